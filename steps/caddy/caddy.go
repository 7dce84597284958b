// Package caddy knows what a proxy has where its web server answers for the mail system: the sites in Caddy's own file, its package and
// its unit; and what another web server there must be told instead. It does no I/O, and knows no chapter.
package caddy

import (
	"fmt"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
	"postern/zone"
)

// Reads lists what must be seen of a host.
func Reads(s *site.Site, h *site.Host) []remote.Query {
	return slices.Concat(Table(s, h).Reads(), seen.CaddyOf.Reads(s, h), seen.Listeners.Reads(s, h))
}

// State is how Caddy stands on a host.
type State struct {
	seen.Caddy
	behind bool // it has our file, and runs with what that said before
}

// StateOf tells it of what was seen.
func StateOf(s *site.Site, f remote.Facts) (State, error) {
	now, err := seen.CaddyOf.Of(f)
	if err != nil {
		return State{}, err
	}
	text, mark := Text(s)
	is, _ := f.File(seen.CaddySites)
	return State{now, now.Saved && is != nil && is.Text == text && !slices.Contains(now.Runs, mark)}, nil
}

// Table is what the proxy should have.
func Table(s *site.Site, h *site.Host) does.Table {
	text, _ := Text(s)
	files := []string{seen.CaddySites, seen.Caddyfile}
	return does.Table{Step: "caddy", Things: []does.Thing{
		install(h),
		does.File{Path: seen.CaddySites, Text: text, Test: valid(`cat "$NEW"`), Title: "write the sites of " + strings.Join(zone.Certified(s), ", ")},
		does.Block{Path: seen.Caddyfile, Text: "import " + seen.CaddySites + "\n", Title: "have Caddy read them, beside what " + seen.Caddyfile + " has"},
		does.Unit{Name: seen.CaddyUnit, Config: files, Reload: true, Port: s.Ports.HTTPS},
	}}
}

// Plan is what a host still needs, of these and of more things. Where that is nothing, and Caddy runs with what its files said before, it takes them up: that is no
// state before us for an undo to come back to.
func Plan(s *site.Site, h *site.Host, now State, f remote.Facts, more does.Table) (does.Stage, []remote.Change, error) {
	table := Table(s, h)
	table.Things = append(table.Things, more.Things...)
	stage, changes, err := table.Plan(f)
	if err == nil && (len(changes) == 0 || stage == does.Last) && now.behind {
		stage, changes = does.Guarded, []remote.Change{does.Within("caddy", remote.Change{ID: "reload", Forget: true,
			Title: "reload Caddy, which runs with what its files said before", Do: "systemctl reload " + seen.CaddyUnit + "\n"})}
	}
	return stage, changes, err
}

// install brings the package, but does not let it start: the page that it shows to everybody is nobody's wish.
func install(h *site.Host) does.Command {
	const held = "/run/systemd/system/" + seen.CaddyUnit
	c := does.Packages{"caddy"}.Install(h.Name)
	return does.Command{ID: "packages", Title: c.Title, Why: c.Why, Takes: c.Takes, First: true,
		Test: `[ ! -h ` + held + ` ] && [ "$(dpkg-query -W -f '${db:Status-Status}' caddy 2>/dev/null)" = installed ]`,
		Do: "ln -sf /dev/null " + held + "\nsystemctl daemon-reload\nrc=0\n(\n" + c.Do + ") || rc=$?\nrm -f " + held + "\nsystemctl daemon-reload\n" +
			"[ $rc != 0 ] || systemctl -q disable " + seen.CaddyUnit + "\nexit $rc\n",
	}
}

// valid is sh that has Caddy read its own file with ours, which a command prints, before anything is changed: as who it is when it runs,
// so that files which it would make, such as logs, are its own, and those that it cannot read are told.
func valid(ours string) string {
	return `d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
` + strings.TrimSpace(seen.CaddyWithout) + ` >"$d/Caddyfile" || exit 1
` + ours + ` >"$d/postern.new"
echo "import $d/postern.new" >>"$d/Caddyfile"
chown root:caddy "$d" "$d/Caddyfile" "$d/postern.new"; chmod 750 "$d"; chmod 640 "$d/Caddyfile" "$d/postern.new"
said=$(cd / && setpriv --reuid caddy --regid caddy --init-groups env -i PATH="$PATH" HOME=` + seen.CaddyHome + ` caddy validate --config "$d/Caddyfile" --adapter caddyfile 2>&1) && exit 0
printf '%s\n' "$said" | grep '^Error' | sed "s|$d/postern.new|` + seen.CaddySites + `|g; s|$d|/etc/caddy|g"
exit 1
`
}

// InTheWay names who has the web's ports already.
func InTheWay(s *site.Site, all []seen.Listener) (words []string) {
	for _, l := range all {
		if l.Proto != "tcp" || l.Process == "caddy" || l.Port != s.Ports.HTTP && l.Port != s.Ports.HTTPS || l.Addr.IsLoopback() {
			continue
		}
		who := l.Process
		switch who {
		case "":
			who = "a process without a name"
		case "docker-proxy":
			who = "a container (docker-proxy)"
		}
		if line := fmt.Sprintf("%s listens on port %d", who, l.Port); !slices.Contains(words, line) {
			words = append(words, line)
		}
	}
	return words
}

// Claimed are the names of ours that other sites of Caddy's have.
func Claimed(s *site.Site, now seen.Caddy) (names []string) {
	for _, name := range zone.Certified(s) {
		if slices.Contains(now.Others, name) {
			names = append(names, name)
		}
	}
	return names
}
