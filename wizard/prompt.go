package wizard

// prompting is a prompt that waits for its answer.
type prompting struct {
	promptMsg
}
