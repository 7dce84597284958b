package site

// Field is one answer. Form, flag, TOML key, line-mode question and documentation are all made from Fields.
type Field struct {
	Key      string                    // the TOML key, dotted: ports.imaps, host.proxy.ssh
	Title    string                    // a few words, for a form
	Help     string                    // one or two sentences: what it is for, what is allowed, what empty means
	Choices  []string                  // the allowed words, when it is one of a few
	List     bool                      // several values, separated by commas in text form
	Optional bool                      // empty is allowed and means "detect" or "none"
	Get      func(*Site) string        // the answer as text; lists joined by ", "
	Set      func(*Site, string) error // the one validator; trims; an error names the key, what was given, what is allowed
}
