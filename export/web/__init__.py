"""Exports a segmenter as a static web page that segments pictures and the camera in the browser.

The page, the net and its runtime are in one folder that any web server can serve.
"""

from fcn_keras.export.web.exporting import export_web

__all__ = ["export_web"]
