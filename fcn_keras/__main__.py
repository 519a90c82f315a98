"""`python -m fcn_keras` is `fcn-keras`."""

from fcn_keras.cli import main

if __name__ == "__main__":
    main()
