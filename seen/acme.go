package seen

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"postern/remote"
)

// Attempt is how Caddy's last attempt to get a certificate for a name ended.
type Attempt struct {
	Name    string
	OK      bool
	Busy    bool   // none of it failed, and it is not over yet
	Issuer  string // whom it asked, as far as it says
	Problem string // what kind it was, in the words of ACME (RFC 8555, 6.7), such as rateLimited; "" when there was none of these
	Said    string
	says    int // how much the line tells that it was made from
}

// ACME reads how Caddy's attempts to get certificates ended, the last one for each name, as far as its log of two days tells.
var ACME = register(Fact[[]Attempt]{ID: "acme", ask: text(`echo '== lines'; command -v caddy >/dev/null || { echo '== end'; return; }
need journalctl || return 3
timeout 15 journalctl -q --no-pager -o cat --since -2d -u ` + CaddyUnit + ` 2>/dev/null | grep -F -e '"logger":"tls.obtain"' -e '"logger":"tls.renew"' -e '"msg":"validating authorization"' |
	tail -n 1000 | cut -c -2000 | sed 's/^/|/'`), parse: func(s sections) ([]Attempt, error) {
	var all []Attempt
	for _, line := range s.lines("lines") {
		text, ok := strings.CutPrefix(line, "|")
		if !ok {
			return nil, odd("Caddy's log", line)
		}
		all = attempted(all, text)
	}
	return all, nil
}})

var problem = regexp.MustCompile(`(?:HTTP \d+ )?urn:ietf:params:acme:error:(\w{1,40})(?: - )?`)

// attempted are the attempts with what one more line of the log tells.
func attempted(all []Attempt, line string) []Attempt {
	var told struct{ Msg, Identifier, Issuer, Error string }
	if json.Unmarshal([]byte(line), &told) != nil || !Name(told.Identifier) {
		return all // cut, or about no name
	}
	i := slices.IndexFunc(all, func(a Attempt) bool { return a.Name == told.Identifier })
	if i < 0 {
		i, all = len(all), append(all, Attempt{Name: told.Identifier, OK: true})
	}
	one := Attempt{Name: told.Identifier, Issuer: told.Issuer}
	switch told.Msg {
	case "obtaining certificate", "renewing certificate":
		all[i].says, all[i].Busy = 0, all[i].OK
		return all
	case "certificate obtained successfully", "certificate renewed successfully":
		all[i] = Attempt{Name: told.Identifier, OK: true}
		return all
	case "validating authorization": // it alone says why nobody came to see
		one.says = 3
	case "could not get certificate from issuer":
		if one.says = 2; strings.Contains(told.Issuer, "zerossl") { // asked only because the first one failed
			one.says = 1
		}
	default:
		return all
	}
	if one.says < all[i].says {
		return all
	}
	if m := problem.FindStringSubmatchIndex(told.Error); m != nil {
		one.Problem, told.Error = told.Error[m[2]:m[3]], told.Error[m[1]:]
	}
	one.Said = remote.Clean(told.Error).Line(300)
	all[i] = one
	return all
}
