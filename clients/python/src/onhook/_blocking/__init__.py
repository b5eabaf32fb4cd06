"""The blocking twin of `onhook.aio`."""
