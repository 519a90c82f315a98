"""Mean field in a fully connected CRF as a layer; the lattice it filters on, in keras.ops."""

from fcn_keras.layers.crf_rnn.layer import CRFAsRNN

__all__ = ["CRFAsRNN"]
