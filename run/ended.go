package run

import (
	"fmt"
	"strings"
	"time"

	"postern/remote"
	"postern/site"
	"postern/steps"
)

// readEnded tells how the last change of a host ended, as the name of a file: PERSISTED.ID, or ROLLEDBACK.ID.WHY. The newest
// of these counts, not the newest folder: the host clears out older ones' folders once a change is over.
var readEnded = remote.Query{ID: "run.ended", Run: `(cd /var/lib/postern 2>/dev/null && ls -t done.*/PERSISTED.* done.*/ROLLEDBACK.* 2>/dev/null | {
	IFS= read -r f && printf '%s\n' "${f##*/}"
}) || :`}

// alone are the reasons for which a host takes a change back by itself, in words. The others were told when they happened.
var alone = map[string]string{
	"expired":   "nobody confirmed it in time",
	"boot":      "the host was started anew before it was confirmed",
	"abandoned": "what watched over it was gone",
}

// tellEnded says, once in a run, which hosts took their last change back by themselves, when nobody may have been there to see
// it.
func (r *Runner) tellEnded(s *site.Site, look steps.Look) {
	if r.toldEnded {
		return
	}
	r.toldEnded = true
	for _, h := range s.Hosts {
		facts := look[h.Name]
		answer, _ := facts.Get(readEnded.ID)
		if text := endedWords(answer); text != "" {
			r.emit(steps.Event{Kind: "warn", Host: h.Name, Text: text})
		}
	}
}

// endedWords is what there is to say of how the last change ended; "" when it was kept, or told before.
func endedWords(answer string) string {
	how, rest, _ := strings.Cut(strings.TrimSpace(answer), ".")
	id, why, _ := strings.Cut(rest, ".")
	words, known := alone[why]
	if how != "ROLLEDBACK" || !known {
		return ""
	}
	when := ""
	if len(id) >= len(idTime) {
		if at, err := time.Parse(idTime, id[:len(idTime)]); err == nil {
			when = at.Format(" of 2006-01-02 15:04 UTC")
		}
	}
	return fmt.Sprintf("it took its last change%s back by itself, because %s; all is as it was before", when, words)
}

// idTime is how the IDs of changes begin.
const idTime = "20060102T150405"
