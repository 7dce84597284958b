package steps

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
	"postern/steps/haraka"
	"postern/steps/provider"
	"postern/steps/wireguard"
	"postern/zone"
)

func init() {
	register(Step{
		ID: "haraka", Chapter: 6, Title: "Haraka",
		Why: "Mail goes both ways with the right names on it. Either Haraka on the proxy takes it from the world and sends what the mail host hands it (mail.path = haraka); " +
			"or the proxy only sends its port on, and what the mail host sends leaves through the tunnel by the proxy's address (direct). Neither relays for strangers.",
		Guide: "haraka, Email Flow",
		Fields: func(*site.Site) []string {
			return []string{"domain", "hostname", "mail.path", "mail.kind", "guide.mta", "smarthost.host", "smarthost.port", "smarthost.user", "smarthost.spf"}
		},
		Needs: []string{"domain", "hostname"},
		Reads: harakaReads,
		Plan:  planHaraka,
		Proof: []string{"smtp.haraka", "smtp.answers", "smtp.relay", "smtp.submission", "smtp.outbound", "smtp.leaves", "smtp.smarthost", "smtp.server", "smtp.queues", "smtp.mailboxes", "smtp.message", "smtp.received"},
	})
}

func harakaReads(s *site.Site, h *site.Host) []remote.Query {
	queries := seen.HostReads(s, h)
	if h.Role == site.Proxy {
		return append(queries, haraka.Reads(s, h)...)
	}
	return slices.Concat(queries, mailReads(s, h), wireguard.OutgoingReads(s, h))
}

// planHaraka sets both ends up for the path that mail takes.
func planHaraka(s *site.Site, look Look) Plan {
	p := Plan{Step: "haraka", Refused: unsupported(s, look)}
	if len(p.Refused) > 0 {
		return p
	}
	if p.Foreign = foreignMail(s, look); len(p.Foreign) > 0 {
		return p
	}
	if step, _ := Find(p.Step); s.Domain == "" || s.Hostname == "" {
		_, missing := work(s, step)
		p.Tasks = []Task{answersTask(step, missing)}
		return p
	}
	for _, h := range s.HostsOf(site.Proxy) {
		planProxyMail(s, h, look[h.Name], &p)
	}
	for _, h := range s.HostsOf(site.Mail) {
		// Whoever sends by itself goes on to do so until it is told otherwise, and not by the line at home.
		if s.Mail.Path == "direct" || sends(s, look[h.Name]) {
			changes, err := wireguard.See(s, h, look[h.Name]).Outgoing()
			if err != nil {
				p.Refused = append(p.Refused, err.Error())
			}
			p.add(h, changes)
		}
		planMailServer(s, h, look[h.Name], &p)
	}
	return p
}

// sends says whether a mail server runs on the host that this program sets.
func sends(s *site.Site, f remote.Facts) bool {
	if s.Mail.Kind == "mailcow" {
		now, err := seen.OfMailcow.Of(f)
		return err == nil && now.Begun()
	}
	now, err := seen.Postfix.Of(f)
	return err == nil && now.Active
}

// leastMemory is what a proxy should have for Haraka beside the rest, in bytes: two times 95 MB were measured.
const leastMemory = 600 << 20

// planProxyMail has the proxy take and send mail by Haraka, or do neither.
func planProxyMail(s *site.Site, h *site.Host, f remote.Facts, p *Plan) {
	if now, err := seen.Systems.Of(f); err == nil && now.Kernel == site.FreeBSD { // by the direct path, which wants nothing there
		p.Notes = append(p.Notes, Note{Text: directText(s, h)})
		return
	}
	left, err := haraka.Queued(f)
	if err != nil {
		p.Refused = append(p.Refused, "haraka: "+err.Error())
		return
	}
	table := haraka.Off(s, h, left)
	if s.Mail.Path == "haraka" {
		node, err := haraka.NodeOf(f)
		if err != nil {
			p.Refused = append(p.Refused, "haraka: "+err.Error())
			return
		}
		switch words, refused := node.TooOld(h); {
		case refused:
			p.Refused = append(p.Refused, "haraka: "+words)
		case words != "":
			p.Notes = append(p.Notes, Note{Host: h.Name, Text: words})
		}
		listeners, _ := seen.Listeners.Of(f)
		for _, words := range haraka.InTheWay(s, h, listeners) {
			p.Refused = append(p.Refused, "haraka: "+words+"; or choose mail.path=direct")
		}
		foreign, err := haraka.ForeignOf(s, h, f)
		if err != nil {
			p.Refused = append(p.Refused, "haraka: "+err.Error())
			return
		}
		p.Notes = append(p.Notes, foreignNotes(s, h, foreign)...)
		table = haraka.Table(s, h, node)
		if words := wayOut(s, h); words != "" {
			p.Notes = append(p.Notes, Note{Host: h.Name, Warn: true, Text: words})
		}
		if s.Guide.MTA == "replace" {
			table.Things = slices.Concat(haraka.Replaced(listeners), foreign.Aside(), table.Things)
		}
		if size, err := seen.Sizes.Of(f); err == nil && size.Memory > 0 && size.Memory < leastMemory {
			p.Notes = append(p.Notes, Note{Host: h.Name, Warn: true, Text: fmt.Sprintf("it has %d MB of memory, and Haraka takes about 200: mail.path = direct needs none there", size.Memory>>20)})
		}
	} else {
		if left > 0 {
			p.Notes = append(p.Notes, Note{Host: h.Name, Warn: true, Text: fmt.Sprintf("%d mails wait to be sent in Haraka's queue, so %s goes on until they have left: apply this chapter again then", left, haraka.Out)})
		}
		p.Notes = append(p.Notes, Note{Text: directText(s, h)})
	}
	stage, changes, err := table.Plan(f)
	switch {
	case err != nil:
		p.Refused = append(p.Refused, err.Error())
	case len(changes) > 0:
		p.Parts = append(p.Parts, Part{Host: h.Name, Changes: changes, Inert: stage != does.Guarded})
		to := "to the world"
		if m := s.Smarthost; m.Host != "" {
			to = fmt.Sprintf("by %s:%d alone, logged in as %s, inside TLS or not at all", m.Host, m.Port, m.User)
		}
		if words := fmt.Sprintf("%s: Haraka takes mail for %s on port %d and passes it on to %s at once; what %s hands it on %s:%d it sends %s",
			h.Name, strings.Join(zone.Domains(s), ", "), s.Ports.SMTP, s.Tunnel.Mail, s.Tunnel.Mail, s.TunnelAddress(h), s.Ports.Relay, to); s.Mail.Path == "haraka" && stage == does.First {
			p.Then = append(p.Then, words)
		} else if s.Mail.Path == "haraka" {
			p.After = append(p.After, words)
		}
	}
}

// directText says what the proxy does for mail where that goes straight to the mail host.
func directText(s *site.Site, h *site.Host) string {
	text := "mail.path is direct, so the proxy needs no mail server: the firewall's chapter sends port " + strconv.Itoa(s.Ports.SMTP) +
		" on to the mail host, and lets what that sends to the world leave by the proxy's address"
	if h.Public6.IsValid() && !s.Tunnel.Network6.IsValid() {
		text += "; over IPv4 only: with haraka it takes mail over IPv6, too"
	}
	return text
}

// wayOut says that mail cannot leave as it is answered, by what the pages of the provider say; "" when it may.
func wayOut(s *site.Site, h *site.Host) string {
	hoster, _ := provider.Find(h.Provider)
	switch m := s.Smarthost; {
	case m.Host == "" && hoster.Out25.Default == provider.Never:
		return hoster.Name + " does not open outgoing port " + strconv.Itoa(site.WorldSMTP) +
			", its pages say: send by a smart host (smarthost.host), which takes mail at another port from who logs in"
	case m.Host != "" && slices.Contains(hoster.Out25.Too, m.Port):
		return fmt.Sprintf("%s blocks outgoing port %d too, its pages say: see at which other port %s takes mail (smarthost.port)", hoster.Name, m.Port, m.Host)
	}
	return ""
}

// foreignNotes names what others left of a Haraka, and what becomes of it.
func foreignNotes(s *site.Site, h *site.Host, foreign haraka.Foreign) (notes []Note) {
	if n := len(foreign.Paths); n > 0 && s.Guide.MTA != "replace" {
		few := foreign.Paths[:min(n, 8)]
		text := "Haraka reads these beside ours, and they are not ours: " + strings.Join(few, ", ")
		if n > len(few) {
			text += fmt.Sprintf(" and %d more", n-len(few))
		}
		notes = append(notes, Note{Host: h.Name, Warn: true, Text: text + "; they stay, unless guide.mta = replace moves them aside"})
	}
	if foreign.Odd > 0 {
		notes = append(notes, Note{Host: h.Name, Warn: true, Text: fmt.Sprintf("%d files with odd names lie where Haraka reads its own: look at /opt/haraka-in and /opt/haraka-out", foreign.Odd)})
	}
	if foreign.Guide {
		notes = append(notes, Note{Host: h.Name, Text: "/opt/haraka was made by hand after the guide: nothing of ours reads it, so it does no harm and stays"})
	}
	return notes
}
