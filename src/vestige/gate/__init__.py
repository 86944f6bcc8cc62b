"""The one door for what a user or the disk hands over: every file is read here, within limits, and checked.

A file must be a regular file (no pipe, folder or device), no larger than a limit, also when it is decompressed, and of
the form that is expected; nothing in it is ever executed (no pickle). Whatever is wrong is an
[`Unreadable`][vestige.gate.Unreadable] that names the file. numpy and yaml are imported when they are used.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
