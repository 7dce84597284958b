package steps

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// lanFile is what Compose reads beside Mailcow's own file: with it Mailcow answers clients at home (mail.lan) at the host's own address, too.
const lanFile = seen.MailcowDir + "/docker-compose.override.yml"

const lanHead = seen.MailcowOverride + " clients at home (mail.lan) may connect to this host's own address.\n"

// lanForm is what a file of ours looks like, whatever the addresses. One that looks otherwise is the operator's.
var lanForm = regexp.MustCompile(`^` + regexp.QuoteMeta(lanHead) + `services:\n(  [a-z-]+:\n    ports:\n(      - "[0-9.]+:\d+:\d+"\n)+)+$`)

// lanPort is a port of the mail system that clients at home use, and who answers there.
type lanPort struct {
	service  string
	at, port int // on the host, and in the container
}

func lanPorts(s *site.Site) []lanPort {
	inside := site.Default().Ports
	return []lanPort{
		{seen.MailcowDovecot, s.Ports.IMAPS, inside.IMAPS},
		{seen.MailcowPostfix, s.Ports.Submissions, inside.Submissions}, {seen.MailcowPostfix, s.Ports.Submission, inside.Submission},
	}
}

// lanText is what publishes these ports at addresses of the host.
func lanText(s *site.Site, at []netip.Addr) string {
	text, service := "services:\n", ""
	for _, port := range lanPorts(s) {
		if port.service != service {
			service = port.service
			text += "  " + service + ":\n    ports:\n"
		}
		for _, addr := range at {
			text += fmt.Sprintf("      - \"%s:%d:%d\"\n", addr, port.at, port.port)
		}
	}
	return text
}

// homeReads are what must be seen of a mail host for what stands between its home and Mailcow.
func homeReads(s *site.Site, h *site.Host) []remote.Query {
	return slices.Concat(does.Table{Things: layer(s, nil)}.Reads(), seen.Rules.Reads(s, h), []remote.Query{remote.ReadFile(lanFile)})
}

// planMailcowHome is all that Mailcow needs on a host: its settings, the second layer, and the clients at home.
func planMailcowHome(s *site.Site, h *site.Host, now seen.Mailcow, f remote.Facts, p *Plan) ([]remote.Change, error) {
	table, at := mailcowTable(s, h, now), []netip.Addr{}
	for _, a := range seen.Look(f).Meeting(s.Mail.LAN, s.Tunnel.Interface) {
		at = append(at, a.Addr())
	}
	rules, err := seen.Rules.Of(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: its rules could not be seen: %w", table.Step, h.Name, err)
	}
	file, known := f.File(lanFile)
	if !known {
		return nil, fmt.Errorf("%s: %s: %s could not be read", table.Step, h.Name, lanFile)
	}
	mine := file != nil && lanForm.MatchString(file.Text)
	others := overridden(now, file != nil && !mine)
	switch {
	case len(at) > 0 && others == "":
		table.Things = append(table.Things, does.File{Path: lanFile, Text: lanHead + lanText(s, at), Title: "have Mailcow answer clients at home at " + joined(at) + ", too"})
	case mine:
		table.Things = append(table.Things, does.File{Path: lanFile, Gone: true, Title: "have Mailcow answer nobody at home any more but through the tunnel"})
	}
	p.Notes = append(p.Notes, lanNotes(s, h, now, seen.Look(f).Network)...)
	if len(at) > 0 && others != "" {
		w, _ := work(s, Step{})
		p.Tasks = append(p.Tasks, w.lanTask(others, at))
	}
	table.Things = append(table.Things, layer(s, at)...)
	_, changes, err := table.Plan(f)
	if len(changes) > 0 && len(at) > 0 {
		p.After = append(p.After, fmt.Sprintf("%s: mail programs at home (%s) reach it at %s, too; nobody else there does", h.Name, seen.Joined(slices.DeleteFunc(slices.Clone(s.Mail.LAN), over6)), joined(at)))
	}
	if len(changes) == 0 && err == nil && !layered(s, at, rules) {
		changes = []remote.Change{layerAgain()}
	}
	return changes, err
}

// overridden is the file in which the operator says what Compose does, or the setting that names others; "" where there is none. Compose
// takes one file of all that may stand there, so ours beside theirs would put theirs out of force. edited says that lanFile is theirs.
func overridden(now seen.Mailcow, edited bool) string {
	switch {
	case now.Set["COMPOSE_FILE"] != "":
		return "the files that COMPOSE_FILE names"
	case edited:
		return lanFile
	case len(now.Overrides) > 0:
		return seen.MailcowDir + "/" + now.Overrides[0]
	}
	return ""
}

// lanNotes are what the operator should know of clients at home.
func lanNotes(s *site.Site, h *site.Host, now seen.Mailcow, n seen.Network) (notes []Note) {
	warn := func(format string, args ...any) {
		notes = append(notes, Note{Host: h.Name, Warn: true, Text: fmt.Sprintf(format, args...)})
	}
	open := func(p seen.Published) bool { return p.Addr.IsUnspecified() }
	if home := n.Home(); len(s.Mail.LAN) == 0 && len(home) > 0 && now.Begun() && slices.ContainsFunc(now.Publishes, open) {
		notes = append(notes, Note{Host: h.Name, Text: fmt.Sprintf("mail programs at home that connect to %s itself go on doing so with the answer mail.lan = %s; without it they reach Mailcow as everybody does, by the name %s",
			n.Address4().Addr(), home[0], s.Hostname)})
	}
	for _, p := range now.Publishes {
		lan := len(s.Mail.LAN) > 0 && slices.ContainsFunc(lanPorts(s), func(port lanPort) bool { return port.at == p.First })
		if !lan && !p.Addr.IsLoopback() && !p.Addr.IsUnspecified() && p.Addr != s.TunnelAddress(h) {
			warn("%s publishes port %d at %s: nobody at home reaches it there any more", p.Container, p.First, p.Addr)
		}
	}
	met := n.Meeting(s.Mail.LAN, s.Tunnel.Interface)
	for _, a := range met {
		if a.Dynamic {
			warn("%s, at which clients at home reach Mailcow (mail.lan), was given to the host for a time only: have your router always give it the same, "+
				"because Docker starts no container that is to listen at an address which is not there, and then nobody gets mail", a.Addr())
		}
	}
	if slices.ContainsFunc(s.Mail.LAN, over6) {
		warn("mail.lan names networks of IPv6, over which Mailcow answers nobody at home: Docker would hide who connects")
	}
	if len(met) == 0 && !slices.ContainsFunc(s.Mail.LAN, over6) && len(s.Mail.LAN) > 0 {
		warn("your answers admit clients at home directly (mail.lan), but no address of the host at home could be seen: they reach Mailcow as everybody does, by the name %s", s.Hostname)
	}
	return notes
}

// lanTask has the operator put into a file of their own what ours would say.
func (w handwork) lanTask(file string, at []netip.Addr) Task {
	return w.task("mailcow.lan", "have Mailcow on %MAIL% answer clients at home", strings.ReplaceAll(lanTaskText, "%FILE%", file),
		"# "+file+"\n"+lanText(w.s, at)+"# then, on %MAIL%, as root\ncd "+seen.MailcowDir+" && docker compose up -d").measuredBy("mailcow.lan")
}

const lanTaskText = `Clients at home (mail.lan) connect to the host's own address, and Mailcow must publish ports there.
What Compose reads beside Mailcow's own file is yours here, and nobody else writes into it:
%FILE%
Add these lines to it: ports that stand there for the same services stay beside them.`

func over6(p netip.Prefix) bool { return p.Addr().Is6() }

func joined(at []netip.Addr) string {
	var all []string
	for _, a := range at {
		all = append(all, a.String())
	}
	return strings.Join(all, ", ")
}
