package path

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postern/site"
)

// Named is the service that a person means: 25, 993/tcp, tunnel, 51820/udp, imaps, ssh. A port that the site does not offer has no name.
func Named(s *site.Site, text string) (site.Service, error) {
	name, proto, _ := strings.Cut(strings.ToLower(text), "/")
	number, err := strconv.ParseUint(name, 10, 16)
	known := append(site.Services(s), service("tunnel", "udp", s.Tunnel.Port), service("ssh", "tcp", usualSSH))
	var names []string
	for _, one := range known {
		names = append(names, one.Name)
		if (one.Name == name || err == nil && one.Port == int(number)) && (proto == "" || proto == one.Proto) {
			return one, nil
		}
	}
	switch {
	case err != nil || number == 0 || proto != "" && proto != "tcp" && proto != "udp":
		return site.Service{}, fmt.Errorf("%q is no port: a number, perhaps with /udp, or one of %s", text, strings.Join(names, ", "))
	case proto == "udp":
		return site.Service{}, fmt.Errorf("%q: of UDP only the tunnel's port can be asked about, %d/udp", text, s.Tunnel.Port)
	}
	return service("", "tcp", int(number)), nil
}

func service(name, proto string, port int) site.Service {
	return site.Service{NamedPort: site.NamedPort{Name: name, Proto: proto, Port: port}, Over6: true}
}

// usualSSH is where sshd waits, as long as the host has not told.
const usualSSH = 22

// Called is how a service is called: imaps, 993/tcp.
func Called(p site.Service) string {
	return strings.TrimPrefix(fmt.Sprintf("%s, %d/%s", p.Name, p.Port, p.Proto), ", ")
}

// Word is the shortest word for a service that Named understands.
func Word(p site.Service) string { return cmp.Or(p.Name, strconv.Itoa(p.Port)) }

// About is the service that a check is about, by its ID: firewall.dnat.imaps is about imaps, what asks of the tunnel about that; "" where it is no single one.
func About(s *site.Site, id string) string {
	parts := strings.Split(id, ".")
	for _, part := range slices.Backward(parts) {
		if _, err := Named(s, part); err == nil {
			return part
		}
	}
	return map[string]string{"smtp.message": "smtp", "host.ways": "ssh", "firewall.relay": "tunnel"}[strings.Join(parts[:min(2, len(parts))], ".")]
}

// others are servers of others that answer at a port, by the service: they prove that the place we ask from can reach that port of anybody.
var others = map[string][]string{
	"smtp":        {"gmail-smtp-in.l.google.com", "outlook-com.olc.protection.outlook.com"},
	"submission":  {"smtp.gmail.com", "smtp.office365.com"},
	"submissions": {"smtp.gmail.com", "smtp.mail.yahoo.com"},
	"imaps":       {"imap.gmail.com", "outlook.office365.com"},
	"http":        {"www.google.com", "www.debian.org"},
	"https":       {"www.google.com", "www.debian.org"},
}

// Says is what will be done for a port, before it is.
func Says(p site.Service) []string {
	said := []string{"read the rules, listeners, routes and the tunnel of the hosts"}
	if p.Name == "ssh" {
		return append(said, "send nothing more: the login that is needed for this is the proof")
	}
	said = append(said, "see on the proxy and the mail host, for some seconds, which packets of this port and of the tunnel pass: a process there reads a packet socket, which is gone with it; nothing is changed or kept back")
	if p.Proto == "udp" {
		return append(said, "ping through the tunnel, so that something must pass")
	}
	said = append(said, fmt.Sprintf("connect to the proxy's port %d once over each family, and hang up", p.Port))
	if names := witnesses(p); len(names) > 0 {
		said = append(said, fmt.Sprintf("where nothing of that arrives, connect once to port %d of %s, and hang up, so that this network is not mistaken for the proxy's", p.Port, strings.Join(names, ", ")))
	}
	return said
}

// witnesses are the others for a port. At another port than the usual one nobody is known to answer.
func witnesses(p site.Service) []string {
	for _, usual := range site.Services(site.Default()) {
		if usual.Name == p.Name && usual.Port == p.Port {
			return others[p.Name]
		}
	}
	return nil
}
