package haraka

import (
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// certificate is a stand-in until a real one takes its place: most senders want to encrypt, few look at the name. One that is there
// is left alone.
func certificate(name string) does.Command {
	const pem, key, cert = seen.HarakaPEM, config + "tls_key.pem", config + "tls_cert.pem"
	return does.Command{
		ID: "certificate", Title: "make a certificate for " + name + " that stands in until there is a real one",
		Why:  "its key never leaves the host; a certificate that is there already stays",
		Test: "[ -s " + pem + " ]",
		Do: "umask 077\nif [ -s " + key + " ] && [ -s " + cert + " ]; then cat " + key + " " + cert + " >" + pem + ".new\nelse\n" +
			"openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj " + remote.Quote("/CN="+name) + " -keyout " + pem + ".new -out " + pem + ".crt 2>/dev/null\n" +
			"cat " + pem + ".crt >>" + pem + ".new\nrm " + pem + ".crt\nfi\n" + dressed(pem) + "systemctl try-restart " + In + " 2>/dev/null || true\n",
		Undo: "rm -f " + pem + " " + pem + ".*\n",
	}
}

// secret is the word that commands to a running Haraka begin with: without one, whoever gets at its port from the host itself could
// give them.
func secret(dir string) does.Command {
	key := dir + "/config/internalcmd_key"
	return does.Command{
		ID: strings.TrimPrefix(dir, "/opt/haraka-") + ".secret", Title: "make the secret word for commands to " + dir,
		Test: "[ -s " + key + " ]",
		Do:   "umask 077\nopenssl rand -hex 32 >" + key + ".new\n" + dressed(key),
		Undo: "rm -f " + key + " " + key + ".new\n",
	}
}

// dressed puts a secret in its place, for Haraka to read.
func dressed(path string) string {
	return "chown root:" + user + " " + path + ".new\nchmod 0640 " + path + ".new\nmv " + path + ".new " + path + "\n"
}

// unit runs one instance: not as root, with nothing to write to but its queue. Haraka ends on SIGINT alone.
//
// guide: haraka, Systemd Service Files; User Permissions; Port 25 Binding
func unit(s *site.Site, name, dir string, port int) does.Unit {
	right, trust := "", ""
	if name == Out && s.Smarthost.Host != "" { // whom the host trusts, beside those that Node.js brings
		trust = "NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt "
	}
	if port < 1024 {
		right = "CAP_NET_BIND_SERVICE"
	}
	return does.Unit{Name: name, Port: port, Config: []string{dir + "/"}, Text: lines(
		"# postern: "+strings.TrimSuffix(name, ".service")+" is Haraka with the files in "+dir,
		"[Unit]",
		"Description=Haraka, the mail server of "+s.Hostname+" ("+dir+")",
		"Wants=network-online.target",
		"After=network-online.target "+seen.TunnelUnit(s.Tunnel.Interface), // where there is no such unit, it tries until its address is there
		"StartLimitIntervalSec=0",                                          // whoever starts it, however often, is never told that it was too often
		"",
		"[Service]",
		"User="+user,
		"Group="+user,
		"WorkingDirectory="+dir,
		"ExecStart=/usr/bin/env "+trust+"node "+binary+" -c "+dir,
		"KillSignal=SIGINT",
		"Restart=always",
		"RestartSec=5",
		"AmbientCapabilities="+right,
		"CapabilityBoundingSet="+right,
		"NoNewPrivileges=true",
		"ProtectSystem=strict",
		"ReadWritePaths="+dir+"/queue",
		"ProtectHome=true",
		"PrivateTmp=true",
		"PrivateDevices=true",
		"ProtectClock=true",
		"ProtectControlGroups=true",
		"ProtectHostname=true",
		"ProtectKernelLogs=true",
		"ProtectKernelModules=true",
		"ProtectKernelTunables=true",
		"RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX",
		"RestrictNamespaces=true",
		"RestrictRealtime=true",
		"RestrictSUIDSGID=true",
		"LockPersonality=true",
		"SystemCallArchitectures=native",
		"SystemCallFilter=@system-service",
		"SystemCallErrorNumber=EPERM",
		"UMask=0077",
		"",
		"[Install]",
		"WantedBy=multi-user.target",
	)}
}
