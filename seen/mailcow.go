package seen

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"postern/remote"
)

// Mailcow's own folder, the services of it that carry the mail system's ports, and the bridge of its network.
const (
	MailcowDir     = "/opt/mailcow-dockerized"
	MailcowPostfix = "postfix-mailcow"
	MailcowDovecot = "dovecot-mailcow"
	MailcowBridge  = "br-mailcow"
)

// MailcowOverride begins a file of ours that Compose reads beside Mailcow's own.
const MailcowOverride = "# Made by postern:"

// MailcowUnit is the unit that has only the tunnel, and who is named at home, reach Mailcow's containers.
const MailcowUnit = "postern-mailcow.service"

// Mailcow is how one stands on a host.
type Mailcow struct {
	Engine, Compose string            // versions of Docker and of its Compose; "" where there is none that answers
	Driver          string            // how Docker keeps the files of its containers, such as overlay2
	Inside          string            // in which kind of container the host runs itself, such as lxc; "" for none
	Absent          bool              // there is no mailcow.conf
	Set             map[string]string // what that says, without secrets; the last of several lines counts
	Publishes       []Published       // what its files have it publish, by service, whether it runs or not
	Containers      []Container       // those that were made
	Leftover        []string          // folders of certificates of its own, which win over data/assets/ssl/cert.pem
	Hook            bool              // its update runs a hook of the operator's
	Overrides       []string          // files of others that Compose reads beside Mailcow's own, by their names
}

// Container is one of a Compose project.
type Container struct {
	Service, Name, State string
	Restarts             int
	Up                   time.Duration // since it was started last
}

// Loops says whether a container ends again and again.
func (c Container) Loops() bool {
	return c.State == "restarting" || c.Restarts > 0 && c.Up < 2*time.Minute
}

// Begun says whether its containers were made: then their images are there.
func (m Mailcow) Begun() bool { return len(m.Containers) > 0 }

// Of is the container of a service, false where there is none.
func (m Mailcow) Of(service string) (Container, bool) {
	at := slices.IndexFunc(m.Containers, func(c Container) bool { return c.Service == service })
	if at < 0 {
		return Container{}, false
	}
	return m.Containers[at], true
}

// OfMailcow reads how Mailcow stands on a host. Of mailcow.conf only what is listed here is told; what Compose makes of it is asked of
// Compose, of which only the ports leave the host.
var OfMailcow = register(Fact[Mailcow]{ID: "mailcow", ask: text(`echo '== inside'; if [ -r /run/systemd/container ]; then read -r v </run/systemd/container; echo "$v"; elif [ -d /run/systemd/system ]; then echo none; else systemd-detect-virt -c 2>/dev/null; fi
if command -v docker >/dev/null; then
	echo '== engine'; timeout 5 docker info --format '{{.ServerVersion}} {{.Driver}}' 2>/dev/null
	echo '== compose'; timeout 5 docker compose version --short 2>/dev/null
fi
cd ` + MailcowDir + ` 2>/dev/null && [ -f mailcow.conf ] || { none absent; return; }
echo '== conf'; grep -E '^(MAILCOW_HOSTNAME|COMPOSE_PROJECT_NAME|HTTP_REDIRECT|ENABLE_IPV6|SKIP_LETS_ENCRYPT|AUTODISCOVER_SAN|SNAT_TO_SOURCE|COMPOSE_FILE|[A-Z]+_(PORT|BIND))=' mailcow.conf
echo '== publishes'; timeout 15 docker compose config 2>/dev/null | awk '
	function tell() { if (port != "") print service "|" ip "|" port "|" proto; ip = port = ""; proto = "tcp" }
	{ gsub(/"/, "") }
	/^[^ ]/ { tell(); within = $1 == "services:" }
	within && /^  [^ ]/ { tell(); service = $1; sub(/:$/, "", service) }
	within && /^    [^ ]/ { tell(); ports = $1 == "ports:" }
	within && ports && /^      - / { tell() }
	within && ports && $1 == "host_ip:" { ip = $2 }
	within && ports && $1 == "published:" { port = $2 }
	within && ports && $1 == "protocol:" { proto = $2 }
	END { tell() }'
echo '== now'; date -u +%Y-%m-%dT%H:%M:%SZ
echo '== containers'; p=$(sed -n 's/^COMPOSE_PROJECT_NAME=//p' mailcow.conf | tail -n 1)
timeout 5 docker ps -aq --filter "label=com.docker.compose.project=${p:-mailcowdockerized}" 2>/dev/null | xargs -r timeout 10 docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}}|{{.Name}}|{{.State.Status}}|{{.RestartCount}}|{{.State.StartedAt}}' 2>/dev/null
echo '== leftover'; for f in data/assets/ssl/*/domains; do if [ -e "$f" ]; then echo "${f%/domains}"; fi; done
echo '== overrides'; for f in compose.override.yml compose.override.yaml docker-compose.override.yml docker-compose.override.yaml; do 
	[ -e "$f" ] || continue
	l=; read -r l <"$f"
	case $l in '` + MailcowOverride + `'*) ;; *) echo "$f" ;; esac
done
echo '== hook'; if [ -e post_update_hook.sh ]; then echo yes; fi`), parse: parseMailcow})

func parseMailcow(s sections) (Mailcow, error) {
	m := Mailcow{Absent: s.has("absent"), Compose: remote.Clean(s.one("compose")).Line(20), Set: map[string]string{}}
	if w := strings.Fields(remote.Clean(s.one("engine")).Line(60)); len(w) == 2 {
		m.Engine, m.Driver = w[0], w[1]
	}
	if m.Inside = remote.Clean(s.one("inside")).Line(20); m.Inside == "none" {
		m.Inside = ""
	}
	if m.Absent {
		return m, nil
	}
	if !s.has("hook") || len(s.lines("conf")) == 0 {
		return m, fmt.Errorf("mailcow.conf could not be read")
	}
	m.Hook = s.one("hook") != ""
	for _, line := range s.lines("conf") {
		name, value, _ := strings.Cut(line, "=")
		m.Set[name] = strings.Trim(strings.TrimSpace(value), `"'`)
	}
	for _, line := range s.lines("publishes") {
		w := strings.Split(line, "|")
		if len(w) != 4 || !Name(w[0]) {
			return m, odd("docker compose config", line)
		}
		p := Published{Container: w[0], Proto: w[3], Addr: netip.IPv4Unspecified(), First: port(w[2]), Last: port(w[2])}
		if addr, err := netip.ParseAddr(w[1]); err == nil {
			p.Addr = addr.Unmap()
		}
		m.Publishes = append(m.Publishes, p)
	}
	now, _ := time.Parse(time.RFC3339, s.one("now"))
	for _, line := range s.lines("containers") {
		w := strings.Split(line, "|")
		if len(w) != 5 || !Name(w[0]) || !containerName.MatchString(strings.TrimPrefix(w[1], "/")) || !Name(w[2]) {
			return m, odd("docker inspect", line)
		}
		c := Container{Service: w[0], Name: strings.TrimPrefix(w[1], "/"), State: w[2], Restarts: int(min(number(w[3]), 1e6))}
		if began, err := time.Parse(time.RFC3339Nano, w[4]); err == nil {
			c.Up = now.Sub(began)
		}
		m.Containers = append(m.Containers, c)
	}
	for _, line := range s.lines("leftover") {
		m.Leftover = append(m.Leftover, remote.Clean(line).Line(80))
	}
	for _, name := range s.lines("overrides") {
		m.Overrides = append(m.Overrides, remote.Clean(name).Line(40))
	}
	return m, nil
}

// firstPassword is what Mailcow's database begins with for its administrator, and nobody would get by another password.
const firstPassword = "{SSHA256}K8eVJ6YsZbQCfuJvSUbaQRLr0HPLz5rC9IAp0PAFl0tmNDBkMDc0NDAyOTAxN2Rk"

// MailcowAdmin reads whether Mailcow's administrator still has the password that everybody knows: "first", "own", "" where there is no
// such administrator, or "absent" where no database runs. Its database is asked, so nobody logs in, and nothing of a password leaves the host.
var MailcowAdmin = register(Fact[string]{ID: "mailcow-admin", ask: text(`command -v docker >/dev/null && [ -f ` + MailcowDir + `/mailcow.conf ] || { none absent; return; }
box=$(timeout 5 docker ps -q --filter label=com.docker.compose.service=mysql-mailcow 2>/dev/null | head -n 1)
[ -n "$box" ] || { none absent; return; }
echo '== admin'; timeout 10 docker exec "$box" sh -c 'MYSQL_PWD=$MYSQL_PASSWORD; export MYSQL_PWD
exec $(command -v mariadb || command -v mysql) -N -B -u "$MYSQL_USER" -e "SELECT CASE WHEN password = '"'` + firstPassword + `'"' THEN '"'first'"' ELSE '"'own'"' END FROM admin WHERE username = '"'admin'"'" "$MYSQL_DATABASE"' 2>/dev/null || { echo 'its database gave no answer'; return 3; }`),
	parse: func(s sections) (string, error) {
		if s.has("absent") {
			return "absent", nil
		}
		said := s.one("admin")
		if !s.has("admin") || !slices.Contains([]string{"", "own", "first"}, said) {
			return "", odd("mysql-mailcow", said)
		}
		return said, nil
	}})
