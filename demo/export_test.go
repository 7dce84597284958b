package demo

// Sh is for the tests that stand outside: what a script prints on a host, run as root there.
func Sh(h *Host, script string) string {
	out, _ := shOut(h, script)
	return out
}

// Reboot ends everything on a host and starts it again.
func Reboot(h *Host) { h.reboot() }
