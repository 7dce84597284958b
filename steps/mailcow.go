package steps

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	register(Step{
		ID: "mailcow", Chapter: 4, Title: "Mailcow",
		Why: "Mailcow keeps the mail on the hidden host: mailboxes, webmail, the spam filter. It listens on the tunnel's address only, " +
			"so that nobody reaches it but through the proxy. Of its settings only those are changed that say so, and an update that brings the old ones back is put right.",
		Guide:  "mailcow, Starting Mailcow",
		Fields: func(*site.Site) []string { return []string{"domain", "hostname"} },
		Needs:  []string{"domain", "hostname"},
		Reads:  mailcowReads,
		Plan:   planMailcow,
		Strip:  stripMailcow,
		Proof:  []string{"mailcow.containers", "mailcow.settings", "mailcow.ports", "mailcow.home", "mailcow.lan", "mailcow.admin", "mailcow.certificates", "mailcow.space"},
	})
}

func mailcowReads(s *site.Site, h *site.Host) []remote.Query {
	queries := seen.HostReads(s, h)
	if h.Role != site.Mail || s.Mail.Kind != "mailcow" {
		return queries
	}
	return slices.Concat(queries, seen.OfMailcow.Reads(s, h), mailcowBare(s, false).Reads(), mailcowBare(s, true).Reads(), mailcowTable(s, h, seen.Mailcow{}).Reads(), homeReads(s, h))
}

// planMailcow has Mailcow listen where only the tunnel comes in. Where there is none yet, it is brought.
func planMailcow(s *site.Site, look Look) Plan {
	p := Plan{Step: "mailcow", Refused: unsupported(s, look)}
	step, _ := Find(p.Step)
	w, missing := work(s, step)
	switch {
	case len(p.Refused) > 0:
		return p
	case missing != "":
		p.Tasks = []Task{answersTask(step, missing)}
		return p
	case w.mailcow() && len(foreignMailcow(s, look)) > 0:
		p.Foreign = foreignMailcow(s, look)
		return p
	case !w.mailcow():
		p.Notes, p.Tasks = []Note{{Text: "mail.kind is plain: its place behind the tunnel is the chapter Haraka's"}}, otherMailServer(w)
		return p
	}
	for _, h := range s.HostsOf(site.Mail) {
		now, err := seen.OfMailcow.Of(look[h.Name])
		if err != nil {
			p.Refused = append(p.Refused, fmt.Sprintf("mailcow: %s: how Mailcow stands could not be seen: %v", h.Name, err))
			continue
		}
		lacks := !current(now) && !packaged(seen.Look(look[h.Name]))
		switch p.Tasks = w.mailcowTasks(lacks); {
		case lacks:
		case now.Absent || !current(now):
			planMailcowBare(s, h, now, look[h.Name], &p)
		default:
			planMailcowOn(s, h, now, look[h.Name], &p)
		}
	}
	return p
}

// planMailcowOn sets the one that is there. While nothing of it runs, nothing that runs is changed, and images may have to be fetched: that
// is a job.
func planMailcowOn(s *site.Site, h *site.Host, now seen.Mailcow, f remote.Facts, p *Plan) {
	p.Notes = append(p.Notes, mailcowNotes(s, h, now)...)
	changes, err := planMailcowHome(s, h, now, f, p)
	switch {
	case err != nil:
		p.Refused = append(p.Refused, err.Error())
	case len(changes) > 0:
		p.Parts = append(p.Parts, Part{Host: h.Name, Changes: changes, Inert: !now.Begun(), Last: !now.Begun()})
		p.After = append(p.After, fmt.Sprintf("%s: Mailcow listens on %s, where only the tunnel comes in; its mailboxes and all other settings stay as they are", h.Name, s.TunnelAddress(h)))
	}
}

// mailcowTasks are what only a person does; Docker, where the host's own packages have none that Mailcow takes.
func (w handwork) mailcowTasks(docker bool) []Task {
	var tasks []Task
	if docker {
		tasks = append(tasks, w.task("mailcow.docker", "install Docker on %MAIL%", installDockerText, installDockerCopy))
	}
	return append(tasks,
		w.task("mailcow.admin", "change the password of Mailcow's administrator", adminText, "ssh -L %WEB%:%TM%:%WEB% "+sshTo(w.proxy)).measuredBy("mailcow.admin"),
		w.task("mailcow.domains", "make domains, mailboxes and DKIM keys", domainsText, w.addresses()).measuredBy("smtp.mailboxes"))
}

// leastDocker is the oldest Docker that Mailcow's own scripts take.
const leastDocker = 24

// current says whether Docker and Compose are such as Mailcow wants them.
func current(now seen.Mailcow) bool {
	major := func(version string) int {
		first, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
		n, _ := strconv.Atoi(first)
		return n
	}
	return major(now.Engine) >= leastDocker && major(now.Compose) >= 2
}

// mailcowNotes are what the operator should know of it before it is changed.
func mailcowNotes(s *site.Site, h *site.Host, now seen.Mailcow) (notes []Note) {
	warn := func(format string, args ...any) {
		notes = append(notes, Note{Host: h.Name, Warn: true, Text: fmt.Sprintf(format, args...)})
	}
	var open []string
	for _, one := range now.Publishes {
		if one.Addr.IsUnspecified() && !slices.Contains(open, strconv.Itoa(one.First)) {
			open = append(open, strconv.Itoa(one.First))
		}
	}
	if len(open) > 0 && now.Begun() {
		warn("Mailcow has these ports open to everybody at home, past ufw: %s; they close but for the tunnel", strings.Join(open, ", "))
	}
	if was := now.Set["MAILCOW_HOSTNAME"]; was != s.Hostname {
		warn("Mailcow is called %s, and mail servers expect the name of the proxy's address: it becomes %s", remote.Clean(was).Line(80), s.Hostname)
	}
	if was := now.Set["SNAT_TO_SOURCE"]; was != "" {
		warn("SNAT_TO_SOURCE is %s: outgoing mail must come from %s, so leave it empty", remote.Clean(was).Line(40), s.TunnelAddress(h))
	}
	if s.Tunnel.Network6.IsValid() {
		warn("Mailcow's settings have room for one address a port, which is the tunnel's of IPv4: over IPv6 (tunnel.network6) nobody answers, unless its docker-compose.override.yml says so")
	}
	if now.Set["SKIP_LETS_ENCRYPT"] != "y" && now.Begun() {
		warn("Mailcow asks for certificates no longer, as port %d ends at the proxy: those that it has stay until they expire", s.Ports.HTTP)
	}
	return notes
}
