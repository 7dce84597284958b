package run

import (
	"fmt"
	"time"

	"postern/remote"
	"postern/site"
	"postern/steps"
)

// tellEnded says, once in a run, which hosts took their last change back by themselves, when nobody may have been there to see
// it.
func (r *Runner) tellEnded(s *site.Site, look steps.Look) {
	if r.toldEnded {
		return
	}
	r.toldEnded = true
	for _, h := range s.Hosts {
		ended := standing(look, h.Name).Ended
		if len(ended) == 0 {
			continue
		}
		if text := endedWords(ended[0]); text != "" {
			r.emit(steps.Event{Kind: "warn", Host: h.Name, Text: text})
		}
	}
}

// endedWords is what there is to say of how the last change ended; "" when it was kept, or told before.
func endedWords(e remote.Ended) string {
	words := remote.Alone(e.Why)
	if e.Kept || words == "" {
		return ""
	}
	when := ""
	if len(e.ID) >= len(idTime) {
		if at, err := time.Parse(idTime, e.ID[:len(idTime)]); err == nil {
			when = at.Format(" of 2006-01-02 15:04 UTC")
		}
	}
	return fmt.Sprintf("it took its last change%s back by itself, because %s; all is as it was before", when, words)
}

// idTime is how the IDs of changes begin.
const idTime = "20060102T150405"
