"""A static web page that segments pictures and the camera's image in the browser, by itself.

The page, the net and what runs it lie in one folder that any web server can hand out.
"""

from fcn_keras.export.web.exporting import export_web

__all__ = ["export_web"]
