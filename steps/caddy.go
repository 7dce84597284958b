package steps

import (
	"fmt"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/caddy"
	"postern/steps/certificate"
	"postern/steps/does"
	"postern/zone"
)

func init() {
	register(Step{
		ID: "caddy", Chapter: 7, Title: "Caddy",
		Why: "Caddy is the web server on the proxy: it gets a certificate for each name, shows Mailcow's webmail to the world through the tunnel, " +
			"and tells mail programs their settings. A web server that is there already can do it, too (web.kind = existing).",
		Guide: "caddy, Configuration",
		Fields: func(*site.Site) []string {
			return []string{"domain", "hostname", "web.kind", "mail.kind", "web.admin", "web.certificate", "web.key", "web.ca", "web.mtasts"}
		},
		Needs: []string{"domain", "hostname"},
		Reads: func(s *site.Site, h *site.Host) []remote.Query {
			queries := seen.HostReads(s, h)
			if h.Role == site.Proxy {
				queries = append(queries, caddy.Reads(s, h)...)
			}
			return append(queries, certificate.Reads(s, h)...)
		},
		Plan:  planCaddy,
		Proof: []string{"web.caddy", "web.acme", "web.http", "web.https", "web.webmail", "web.admin", "web.clients", "web.mtasts", "cert.handover", "cert.served"},
		Strip: stripCertificate,
	})
}

// planCaddy sets the web server of the proxy up, or says what one that is there must be told.
func planCaddy(s *site.Site, look Look) Plan {
	p := Plan{Step: "caddy", Refused: unsupported(s, look)}
	if len(p.Refused) > 0 {
		return p
	}
	if p.Foreign = foreignWeb(s, look); len(p.Foreign) > 0 {
		p.Tasks = webTasks(s)
		return p
	}
	step, _ := Find(p.Step)
	if _, missing := work(s, step); missing != "" {
		p.Tasks = []Task{answersTask(step, missing)}
		return p
	}
	give := giving(s, look, &p)
	for _, h := range s.HostsOf(site.Proxy) {
		planWeb(s, h, look[h.Name], give, &p)
	}
	for _, h := range s.HostsOf(site.Mail) {
		planTaking(s, h, look, &p)
	}
	p.More = slices.ContainsFunc(p.Parts, func(one Part) bool { return !one.Inert })
	if p.More || len(p.Then) > 0 {
		p.Then = append(p.Then, s.HostsOf(site.Proxy)[0].Name+": the certificate is handed over to the mail ports, at once and whenever there is a new one")
	}
	if len(p.Refused) > 0 {
		p.Parts, p.Then, p.More = nil, nil, false
	}
	p.Tasks = append(p.Tasks, webTasks(s)...)
	return p
}

// planWeb plans one proxy. Who has its ports is named, and left alone.
func planWeb(s *site.Site, h *site.Host, f remote.Facts, give does.Table, p *Plan) {
	now, err := caddy.StateOf(s, f)
	if err != nil {
		p.Refused = append(p.Refused, fmt.Sprintf("caddy: %s: %v", h.Name, err))
		return
	}
	if s.Web.Kind == "existing" {
		if is, _ := f.File(seen.CaddySites); is != nil {
			p.Notes = append(p.Notes, Note{Host: h.Name, Warn: true, Text: seen.CaddySites + " is still there from before: 'postern undo caddy' takes it away"})
		}
		planPart(h, give, f, p)
		return
	}
	listeners, _ := seen.Listeners.Of(f)
	for _, words := range caddy.InTheWay(s, listeners) {
		p.Refused = append(p.Refused, fmt.Sprintf("caddy: %s: %s, where Caddy is to; nothing of it is stopped: give it up, or have it do Caddy's part with web.kind=existing", h.Name, words))
	}
	if now.Broken != "" {
		p.Refused = append(p.Refused, fmt.Sprintf("caddy: %s: Caddy cannot read its own %s: %s", h.Name, seen.Caddyfile, now.Broken))
	}
	if names := caddy.Claimed(s, now.Caddy); len(names) > 0 {
		p.Refused = append(p.Refused, fmt.Sprintf("caddy: %s: %s has sites of its own for %s, which are not overwritten: take them out there, or keep them with web.kind=existing", h.Name, seen.Caddyfile, strings.Join(names, ", ")))
	}
	stage, changes, err := caddy.Plan(s, h, now, f, give)
	switch {
	case err != nil:
		p.Refused = append(p.Refused, err.Error())
	case len(changes) > 0 && len(p.Refused) == 0:
		p.Parts = append(p.Parts, Part{Host: h.Name, Changes: changes, Inert: stage != does.Guarded, Last: stage == does.Last})
		if stage == does.Last {
			return
		}
		words := fmt.Sprintf("%s: Caddy answers for %s, with a certificate for each that %s", h.Name, strings.Join(zone.Certified(s), ", "), certifiedBy(s))
		if stage == does.First {
			p.Then = append(p.Then, words)
		} else {
			p.After = append(p.After, words)
		}
	}
}

// certifiedBy says who vouches for the names.
func certifiedBy(s *site.Site) string {
	switch w := s.Web; {
	case w.Certificate != "":
		return "is yours; Caddy takes a new one up when it is reloaded (systemctl reload caddy)"
	case w.CA != "":
		return w.CA + " issues, once the name is in the DNS and port 80 reached from there"
	}
	return "Let's Encrypt or ZeroSSL issues, once the name is in the DNS and port 80 open to everybody"
}

// webTasks are what only a person can do: with a web server of theirs, all of it.
func webTasks(s *site.Site) (tasks []Task) {
	w, missing := work(s, Step{Needs: []string{"domain", "hostname"}})
	if missing != "" || s.Layout != "proxy" {
		return nil
	}
	if s.Web.Kind == "existing" {
		tasks = append(tasks, Task{ID: "caddy.nginx", Title: "where it is nginx: have it answer for the mail system", Text: w.fill(existingText), Copy: caddy.Nginx(s), Check: "web.https"},
			Task{ID: "caddy.apache", Title: "where it is Apache: have it answer for the mail system", Text: w.fill(existingText), Copy: caddy.Apache(s), Check: "web.https"})
	}
	if s.Web.MTASTS != "" {
		for _, d := range w.domains {
			tasks = append(tasks, w.of(d).task("caddy.mtasts."+d, "announce the MTA-STS policy of %D%", announceText, recordsText([]zone.Record{zone.Announced(s, d)})).measuredBy("dns.mtasts"+zone.Suffix(s, d)))
		}
	}
	return tasks
}

const existingText = `web.kind is existing: your web server stays, and gets these names beside what it has.
Paste the commands on %PROXY%, as root; each name needs a certificate, whose files stand in them.
The answers web.certificate and web.key put yours there. What runs inside the tunnel needs none.
That of %HOST% is handed over to the mail ports from there, each time that it changes.`

const announceText = `Publish it once the policy is served, never before. It has another id with each new policy.
Where the mode is enforce, port %SMTP% must show a valid certificate of %HOST% by then.`
