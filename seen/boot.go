package seen

import (
	"fmt"
	"slices"
	"strings"
)

// Loaded is a line of ufw's files that sends packets on, which is loaded when ufw starts.
type Loaded struct {
	File string
	Runs bool // a script that ufw's start does not run is no more than text
	Rule Rule
}

// Forwarding reads what ufw's start will send on: the DNAT lines of its files, and all rules of scripts that it calls. One that
// its hooks do not name before they end is not called.
var Forwarding = register(Fact[[]Loaded]{ID: "boot", ask: text(`echo '== hook'; if [ -x /etc/ufw/before.init ]; then echo executable; else echo file; fi
echo '== calls'; for f in /etc/ufw/before.init /etc/ufw/after.init; do
	if [ -x "$f" ]; then sed -n '/^exit/q; /^[^#]*\/etc\/ufw\/[a-z]*\.init/p' "$f"; fi
done
echo '== dnat'
set --
for f in /etc/ufw/*.init /etc/ufw/*.rules; do
	if [ -x "$f" ] && [ -r "$f" ]; then set -- "$@" x=executable "$f"; elif [ -r "$f" ]; then set -- "$@" x=file "$f"; fi
done
[ $# = 0 ] || awk '/DNAT/ || /^-A/ && FILENAME ~ /\.init$/ { print x " " FILENAME "|" $0 }' "$@"`),
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
				runs := !strings.HasSuffix(file, ".init") || kind == "executable" && (slices.Contains([]string{"/etc/ufw/before.init", "/etc/ufw/after.init"}, file) ||
					slices.ContainsFunc(s.lines("calls"), func(line string) bool { return strings.Contains(line, file) }))
				all = append(all, Loaded{file, runs, ParseRule(text)})
			}
		}
		return all, nil
	}})
