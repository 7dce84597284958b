package firewall

import (
	"strings"

	"postern/seen"
)

const (
	rulesMark = "### RULES ###"
	endMark   = "### END RULES ###"
)

// ufwEntry is one rule in user.rules with its text: rules of other people keep theirs byte for byte.
type ufwEntry struct {
	rule  ufwRule
	known bool // false for text ufw did not write; it stays where it is
	text  string
}

// ufwFile is user.rules or user6.rules.
type ufwFile struct {
	v6      bool
	head    string // up to and with "### RULES ###"
	entries []ufwEntry
	tail    string // from the empty line before "### END RULES ###"; ufw's template has none
	written bool   // ufw has written this file, so it is not the template of the package
}

// parseUserRules reads the text of user.rules. It never fails: what is not understood is kept as it is.
func parseUserRules(text string, v6 bool) ufwFile {
	f := ufwFile{v6: v6}
	at := lineStart(text, rulesMark)
	if at < 0 {
		f.head = text
		return f
	}
	at += len(rulesMark) + 1
	if at > len(text) {
		at = len(text)
	}
	f.head = text[:at]
	body := text[at:]
	end := lineStart(body, endMark)
	if end < 0 {
		f.tail = body
		return f
	}
	f.written = true
	if end > 0 && strings.HasSuffix(body[:end], "\n\n") || body[:end] == "\n" {
		end--
	}
	body, f.tail = body[:end], body[end:]
	for body != "" {
		next := nextEntry(body)
		e := ufwEntry{text: body[:next]}
		line, _, _ := strings.Cut(strings.TrimLeft(e.text, "\n"), "\n")
		e.rule.UfwRule, e.known = seen.ParseUfwRule(line)
		if e.known && strings.Contains(e.rule.Dst, ":") != v6 {
			e.known = false
		}
		f.entries, body = append(f.entries, e), body[next:]
	}
	return f
}

// nextEntry is where the second entry of a body begins: at the empty line before a tuple, or at a tuple.
func nextEntry(body string) int {
	skip := len(body) - len(strings.TrimLeft(body, "\n"))
	at := strings.Index(body[skip:], "\n"+seen.UfwTuple)
	if at < 0 {
		return len(body)
	}
	at += skip + 1
	if strings.HasSuffix(body[:at], "\n\n") {
		at--
	}
	return at
}

// lineStart finds a line that begins with mark, -1 when there is none.
func lineStart(text, mark string) int {
	if strings.HasPrefix(text, mark) {
		return 0
	}
	if i := strings.Index(text, "\n"+mark); i >= 0 {
		return i + 1
	}
	return -1
}

// render is the file as ufw writes it. The chains and the logging rules are written anew, for they follow from settings
// that may have changed.
func (f ufwFile) render(set settings) string {
	var b strings.Builder
	prefix := "ufw"
	if f.v6 {
		prefix = "ufw6"
	}
	b.WriteString("*filter\n")
	for _, chain := range []string{
		"user-input", "user-output", "user-forward", "before-logging-input", "before-logging-output", "before-logging-forward",
		"user-logging-input", "user-logging-output", "user-logging-forward", "after-logging-input", "after-logging-output",
		"after-logging-forward", "logging-deny", "logging-allow", "user-limit", "user-limit-accept",
	} {
		b.WriteString(":" + prefix + "-" + chain + " - [0:0]\n")
	}
	b.WriteString(rulesMark + "\n")
	for _, e := range f.entries {
		b.WriteString(e.text)
	}
	b.WriteString("\n" + endMark + "\n\n### LOGGING ###\n")
	for _, line := range loggingRules(prefix, set) {
		b.WriteString(line + "\n")
	}
	b.WriteString("### END LOGGING ###\n\n### RATE LIMITING ###\n")
	if set.loglevel != "off" {
		b.WriteString("-A " + prefix + `-user-limit -m limit --limit 3/minute -j LOG --log-prefix "[UFW LIMIT BLOCK] "` + "\n")
	}
	b.WriteString("-A " + prefix + "-user-limit -j REJECT\n-A " + prefix + "-user-limit-accept -j ACCEPT\n### END RATE LIMITING ###\nCOMMIT\n")
	return b.String()
}

// keep is the file with its own head and tail, for a file ufw wrote under the settings that still hold.
func (f ufwFile) keep() string {
	var b strings.Builder
	b.WriteString(f.head)
	for _, e := range f.entries {
		b.WriteString(e.text)
	}
	b.WriteString(f.tail)
	return b.String()
}

// loggingRules are the lines between LOGGING and END LOGGING, as ufw's _get_logging_rules makes them for one family.
func loggingRules(prefix string, set settings) []string {
	levels := map[string]int{"off": 0, "low": 1, "medium": 2, "high": 3, "full": 4}
	level := levels[set.loglevel]
	var lines []string
	if level == 0 {
		for _, t := range []string{"input", "output", "forward"} {
			lines = append(lines, "-I "+prefix+"-user-logging-"+t+" -j RETURN")
		}
		return lines
	}
	limit := " -m limit --limit 3/min --limit-burst 10"
	few := limit
	if level >= levels["high"] {
		few = ""
	}
	log := func(what, chain, word, rest string) {
		lines = append(lines, what+" "+prefix+"-"+chain+` -j LOG --log-prefix "[UFW `+word+`] "`+rest)
	}
	for i, t := range []string{"input", "output", "forward"} {
		if policy := []string{set.input, set.output, set.forward}[i]; policy != "ACCEPT" {
			log("-A", "after-logging-"+t, "BLOCK", few)
		} else if level >= levels["medium"] {
			log("-A", "after-logging-"+t, "ALLOW", few)
		}
	}
	if level < levels["medium"] {
		lines = append(lines, "-I "+prefix+"-logging-deny -m conntrack --ctstate INVALID -j RETURN"+few)
	} else {
		lines = append(lines, "-A "+prefix+`-logging-deny -m conntrack --ctstate INVALID -j LOG --log-prefix "[UFW AUDIT INVALID] "`+few)
	}
	log("-A", "logging-deny", "BLOCK", few)
	log("-A", "logging-allow", "ALLOW", few)
	if level >= levels["medium"] {
		audit := map[string]string{"medium": " -m conntrack --ctstate NEW" + limit, "high": limit, "full": ""}[set.loglevel]
		for _, t := range []string{"input", "output", "forward"} {
			log("-I", "before-logging-"+t, "AUDIT", audit)
		}
	}
	return lines
}
