"""A stand-in for pywin32's module of this name: its exception."""


class error(Exception):  # pylint: disable=invalid-name
    """A function that failed: winerror (as a signed number), funcname, strerror."""

    def __init__(self, winerror, funcname, strerror):
        super().__init__(winerror, funcname, strerror)
        self.winerror, self.funcname, self.strerror = winerror, funcname, strerror
