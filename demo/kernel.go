package demo

// kernel is what a running host knows and forgets at a reboot. Everything in it is guarded by Host.mu.
type kernel struct{}

// newKernel is the state right after the kernel started, before init did anything.
func newKernel(h *Host) *kernel { return &kernel{} }
