package demo

// lock is who has locked a file with flock; guarded by files.mu.
type lock struct{}
