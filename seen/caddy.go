package seen

import (
	"slices"
	"strings"

	"postern/remote"
)

// What Caddy has on a proxy, as Debian's package has it: its unit, its file, ours that it imports, and where it keeps certificates.
const (
	CaddyUnit         = "caddy.service"
	Caddyfile         = "/etc/caddy/Caddyfile"
	CaddySites        = "/etc/caddy/postern.caddy"
	CaddyHome         = "/var/lib/caddy"
	CaddyCertificates = CaddyHome + "/.local/share/caddy/certificates" // AUTHORITY/NAME/NAME.crt and .key, and .json, which it writes last
)

// CaddyMark is the variable by which our sites say, in what Caddy runs, which file of ours they came from.
const CaddyMark = "postern"

// Caddy is how a proxy's Caddy stands with its files.
type Caddy struct {
	Absent bool
	Broken string   // why it cannot read its own file, ours left out
	Others []string // the names of sites in it that are not ours
	Saved  bool     // it has kept what it took up last
	Runs   []string // the marks of our sites in that
}

// CaddyWithout is sh that prints its file without our lines, for Caddy to read it in another place: what it imports from its own folder is
// named whole.
const CaddyWithout = `awk 'NR == FNR { if ($1 ~ /^\(.*\)$/) snippet[substr($1, 2, length($1) - 2)]; next }
/^` + Mark + `(:|$)/ { ours = 1 }
!ours && $1 == "import" && $2 ~ /^[^\/].*[\/*.]/ && !($2 in snippet) { sub(/import[ \t]+/, "&/etc/caddy/") }
!ours { print }
/^# postern end$/ { ours = 0 }' ` + Caddyfile + " " + Caddyfile + "\n"

// CaddyOf reads how Caddy stands. It would make a folder in the home where there is none yet (STEPPATH).
var CaddyOf = register(Fact[Caddy]{ID: "caddy", ask: text(`command -v caddy >/dev/null || { none absent; return; }
echo '== others'
if [ -r ` + Caddyfile + ` ]; then
	told=$(` + CaddyWithout + `) && told=$(printf '%s\n' "$told" | STEPPATH=/ timeout 10 caddy adapt --config /dev/stdin --adapter caddyfile 2>&1) ||
		{ echo '== broken'; printf '%s\n' "$told" | grep '^Error' | sed 's|/dev/stdin|` + Caddyfile + `|g' || echo 'it does not say why'; }
	echo '== hosts'; printf '%s\n' "$told" | grep -o '"host":\[[^]]*\]'
fi
f=` + CaddyHome + `/.config/caddy/autosave.json
if [ -r "$f" ]; then echo '== runs'; grep -o '"` + CaddyMark + `":"[0-9a-f]*"' "$f"; fi`),
	parse: func(s sections) (c Caddy, err error) {
		if s.has("absent") {
			return Caddy{Absent: true}, nil
		}
		if s.has("broken") {
			c.Broken = remote.Clean(s.one("broken")).Line(200)
		}
		for _, line := range s.lines("hosts") {
			list := strings.TrimSuffix(strings.TrimPrefix(line, `"host":[`), "]")
			for _, name := range strings.Split(list, ",") {
				if name = strings.ToLower(strings.Trim(name, `"`)); name != "" && !slices.Contains(c.Others, name) {
					c.Others = append(c.Others, name)
				}
			}
		}
		c.Saved = s.has("runs")
		for _, line := range s.lines("runs") {
			if mark := strings.Trim(strings.TrimPrefix(line, `"`+CaddyMark+`":`), `"`); Name(mark) && !slices.Contains(c.Runs, mark) {
				c.Runs = append(c.Runs, mark)
			}
		}
		return c, nil
	}})
