package seen

import (
	"fmt"
	"strings"
)

// Loaded is a line of ufw's files that sends packets on, which is loaded when ufw starts.
type Loaded struct {
	File string
	Runs bool // a script that ufw's start does not run is no more than text
	Rule Rule
}

// Forwarding reads what ufw's start will send on: the DNAT lines of its files.
var Forwarding = register(Fact[[]Loaded]{ID: "boot", ask: text(`echo '== hook'; if [ -x /etc/ufw/before.init ]; then echo executable; else echo file; fi
echo '== dnat'
for f in $(grep -l DNAT /etc/ufw/*.init /etc/ufw/*.rules 2>/dev/null); do
	x=file; if [ -x "$f" ]; then x=executable; fi
	grep DNAT "$f" | while read -r line; do printf '%s %s|%s\n' "$x" "$f" "$line"; done
done`),
	parse: func(s sections) ([]Loaded, error) {
		var all []Loaded
		hook := s.one("hook")
		if hook != "executable" && hook != "file" {
			return nil, fmt.Errorf("ufw's hook could not be looked at")
		}
		for _, line := range s.lines("dnat") {
			where, text, _ := strings.Cut(line, "|")
			kind, file, _ := strings.Cut(where, " ")
			if text = strings.TrimSpace(text); !strings.HasPrefix(text, "#") {
				script := strings.HasSuffix(file, ".init")
				all = append(all, Loaded{file, !script || kind == "executable" && hook == "executable", ParseRule(text)})
			}
		}
		return all, nil
	}})
