package wireguard

import (
	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// dockerDropIn makes Docker wait for the tunnel: containers that publish on its address cannot start without it (measured:
// "cannot assign requested address").
const dockerDropIn = "/etc/systemd/system/docker.service.d/60-postern.conf"

func dockerUnit(iface string) does.Unit {
	unit := seen.TunnelUnit(iface)
	return does.Unit{Name: "docker.service", File: dockerDropIn, Starts: does.ByOthers, Title: "start Docker after the tunnel",
		Text: "# postern: containers publish on the tunnel's address, so Docker waits for it.\n[Unit]\nWants=" + unit + "\nAfter=" + unit + "\n"}
}

// dockerChanges order Docker after the tunnel on a mail host that has Docker, or will: nothing reads the file before.
func (e End) dockerChanges() ([]remote.Change, error) {
	if e.Host.Role != site.Mail || !e.Now.Tools["docker"] && e.Site.Mail.Kind != "mailcow" {
		return nil, nil
	}
	_, changes, err := does.Table{Step: "wireguard", Things: []does.Thing{dockerUnit(e.Site.Tunnel.Interface)}}.Plan(e.facts)
	for i := range changes {
		changes[i].ID, changes[i].Why = "wireguard.docker", "Containers that publish on the tunnel's address cannot start without it."
	}
	return changes, err
}
