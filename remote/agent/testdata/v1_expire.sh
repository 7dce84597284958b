# The first prototype: it restored without ending the apply that was still running.
unapply() { :; }
