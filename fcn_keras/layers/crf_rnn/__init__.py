"""Mean field in a fully connected CRF as a layer, and its permutohedral lattice in keras.ops."""

from fcn_keras.layers.crf_rnn.layer import CRFAsRNN

__all__ = ["CRFAsRNN"]
