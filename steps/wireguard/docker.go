package wireguard

import (
	"postern/remote"
	"postern/seen"
	"postern/site"
)

// dockerDropIn makes Docker wait for the tunnel: containers that publish on its address cannot start without it (measured:
// "cannot assign requested address").
const dockerDropIn = "/etc/systemd/system/docker.service.d/60-postern.conf"

const dockerHead = "# postern: containers publish on the tunnel's address, so Docker waits for it.\n[Unit]\n"

func dockerText(iface string) string {
	return dockerHead + "Wants=" + seen.TunnelUnit(iface) + "\nAfter=" + seen.TunnelUnit(iface) + "\n"
}

// dockerChange orders Docker after the tunnel on a mail host that has Docker; nil when that is so, or there is none.
func (e End) dockerChange() *remote.Change {
	if e.Host.Role != site.Mail || !e.Now.Tools["docker"] {
		return nil
	}
	want := remote.File{Text: dockerText(e.Site.Tunnel.Interface), Mode: 0o644, Owner: "root:root"}
	if e.docker != nil && *e.docker == want {
		return nil
	}
	return &remote.Change{
		ID: "wireguard.docker", Step: "wireguard", Path: dockerDropIn, Old: e.docker, New: &want,
		Title: "start Docker after the tunnel", Why: "Containers that publish on the tunnel's address cannot start without it.",
		Do: "systemctl daemon-reload", Undo: "systemctl daemon-reload",
	}
}
