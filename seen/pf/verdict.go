package pf

// Verdict is what pfctl says of a text, or the rules of a packet.
type Verdict string

// The verdicts. What cannot be told is Unknown, and never one of the others.
const (
	Accepts Verdict = "accepts" // of a text
	Refuses Verdict = "refuses"
	Pass    Verdict = "pass" // of a packet
	Block   Verdict = "block"
	Unknown Verdict = "unknown"
)

// Answer is what the pfctl of one release says of a text.
type Answer struct {
	Verdict Verdict // Accepts, Refuses or Unknown
	File    string  // where it is refused; "" is the text itself
	Line    int     // from 1; 0 of a text that is taken
	Why     string  // it may quote the host's text: whoever shows it cleans it
}

// Accepts says whether the pfctl of a release takes the text.
func (s *Ruleset) Accepts(r Release) Answer {
	var unsure *fault
	for i := range s.faults {
		switch f := &s.faults[i]; {
		case f.refused.has(r):
			return Answer{Refuses, f.file, f.line, f.why}
		case f.unsure.has(r) && unsure == nil:
			unsure = f
		}
	}
	if unsure != nil {
		return Answer{Unknown, unsure.file, unsure.line, unsure.why}
	}
	return Answer{Verdict: Accepts}
}
