package steps

import (
	"fmt"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/certificate"
	"postern/steps/does"
)

// giving is what the proxy has to hand its certificate over with. By which key a mail host is known, our own login has seen.
func giving(s *site.Site, look Look, p *Plan) does.Table {
	var peers []certificate.Peer
	for _, h := range s.HostsOf(site.Mail) {
		now, err := seen.ReceivingOf.Of(look[h.Name])
		way, err2 := seen.SSH.Of(look[h.Name])
		switch {
		case err != nil || err2 != nil || len(now.Keys) == 0 || len(way.Ports) == 0:
			p.Refused = append(p.Refused, fmt.Sprintf("caddy: %s: its sshd's own keys and port could not be seen, by which the proxy is to know it", h.Name))
			continue
		case now.Root == "no":
			p.Notes = append(p.Notes, Note{Host: h.Name, Warn: true, Text: "its sshd lets root in from nowhere (PermitRootLogin no), so no certificate can be handed over: the task says how to let the proxy's key in, and nothing else"})
		}
		if proxy := s.TunnelAddress(s.HostsOf(site.Proxy)[0]); len(h.SSHFrom) > 0 && !seen.Inside(h.SSHFrom, proxy) {
			p.Notes = append(p.Notes, Note{Host: h.Name, Warn: true, Text: "host." + h.Name + ".ssh_from leaves out " + proxy.String() + ", from where the proxy hands certificates over: its firewall must let that in"})
		}
		peers = append(peers, certificate.Peer{Host: h, Port: way.Ports[0], Keys: now.Keys})
	}
	return certificate.Giving(s, peers)
}

// planTaking has a mail host take the certificate, and its servers show it, once the proxy's key is there.
func planTaking(s *site.Site, h *site.Host, look Look, p *Plan) {
	f := look[h.Name]
	now, err := seen.Postfix.Of(f)
	host, err2 := seen.ReceivingOf.Of(f)
	if err != nil || err2 != nil {
		p.Refused = append(p.Refused, fmt.Sprintf("caddy: %s: which mail servers it has could not be seen", h.Name))
		return
	}
	r := certificate.ReceiverOf(s, now, host)
	w, _ := work(s, Step{})
	if host.Root == "no" {
		p.Tasks = append(p.Tasks, w.rootTask())
	}
	if s.Mail.Kind == "plain" && r.Postfix.Set == nil {
		p.Tasks = append(p.Tasks, w.receiverTask())
	}
	key, _ := look[w.proxy.Name].File(seen.CertificateKey + ".pub")
	if key == nil {
		planPart(h, certificate.Before(s, r), f, p)
		p.Then = append(p.Then, h.Name+": what takes the certificate from the proxy, once the proxy's key can be read")
		return
	}
	if line := strings.TrimSpace(key.Text); strings.ContainsAny(line, "\n\"'") || !strings.HasPrefix(line, "ssh-") {
		p.Refused = append(p.Refused, fmt.Sprintf("caddy: %s: %s.pub holds no key of SSH", w.proxy.Name, seen.CertificateKey))
		return
	}
	planPart(h, certificate.Taking(s, r, key.Text, f), f, p)
}

// planPart puts what a table still needs on a host to a plan.
func planPart(h *site.Host, t does.Table, f remote.Facts, p *Plan) {
	stage, changes, err := t.Plan(f)
	switch {
	case err != nil:
		p.Refused = append(p.Refused, err.Error())
	case len(changes) > 0:
		p.Parts = append(p.Parts, Part{Host: h.Name, Changes: changes, Inert: stage != does.Guarded, Last: stage == does.Last})
	}
}

// stripCertificate takes the proxy's key out of a file that others edited since: whoever could give a certificate no longer can.
func stripCertificate(s *site.Site, look Look, paths map[string]bool) Plan {
	p := Plan{Step: "caddy"}
	for _, h := range s.Hosts {
		for _, path := range certificate.Shared {
			if f, here := look[h.Name]; here && paths[path] {
				planPart(h, does.Table{Step: p.Step, Things: []does.Thing{does.Block{Path: path}}}, f, &p)
			}
		}
	}
	return p
}

// certificateTasks are those that a mail host may need for it.
func (w handwork) certificateTasks() []Task { return []Task{w.rootTask(), w.receiverTask()} }

func (w handwork) rootTask() Task {
	return w.task("caddy.root", "let the proxy's key in on %MAIL%, as root and for one command", rootText, rootCopy).measuredBy("cert.handover")
}

func (w handwork) receiverTask() Task {
	return w.task("caddy.receiver", "have the mail server on %MAIL% show the certificate that is handed over", strings.ReplaceAll(receiverText, "%PEM%", seen.MailPEM), "").measuredBy("cert.served")
}

const rootText = `sshd on %MAIL% lets root in from nowhere. The certificate comes by a key that can do one thing,
from %TP% alone: this lets root in from there, and only for what a key has as its command.`

const rootCopy = `
# on %MAIL%, as root
cat > /etc/ssh/sshd_config.d/10-certificate.conf <<'END'
Match User root Address %TP%
	PermitRootLogin forced-commands-only
END
sshd -t && systemctl reload ssh`

const receiverText = `No Postfix of its own runs on %MAIL%. Key and certificate lie in %PEM%, and are taken there
anew through the tunnel. Have your mail server read that file on ports %SUBMISSIONS%, %SUBMISSION% and %IMAPS%;
what tells it of a new one goes into /etc/postern/mail.hook (mode 755), which is run each time.`
