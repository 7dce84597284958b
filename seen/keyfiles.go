package seen

import (
	"fmt"
	"strconv"
	"strings"

	"postern/remote"
)

// KeyFile is a file or folder of WireGuard's, and who may read it.
type KeyFile struct {
	Path   string
	Mode   uint64
	Owner  string
	Folder bool
}

// Exposure is where the tunnel's private keys can be seen.
type Exposure struct {
	Files     []KeyFile
	Processes []remote.Text // IDs of the processes that show the private key on their command line
}

// KeyFiles reads where private keys can be seen. The key goes to grep through a pipe; only the numbers of processes that
// show it come back.
var KeyFiles = register(Fact[Exposure]{ID: "keyfiles", args: tunnelName, ask: tunnelled(both(
	`echo '== files'; set --
for f in /etc/wireguard /etc/wireguard/*; do if [ -e "$f" ]; then set -- "$@" "$f"; fi; done
[ $# = 0 ] || stat -c '%a %U:%G %F|%n' "$@"
echo '== argv'
if command -v wg >/dev/null && [ -e /sys/class/net/@IFACE@ ]; then
	wg show @IFACE@ private-key | grep -laF -f - /proc/[0-9]*/cmdline 2>/dev/null
fi`,
	// there is no /proc; the key is the first line of what awk reads, and stands in nobody's arguments
	`echo '== files'; for f in `+WireGuardBSD+` `+WireGuardBSD+`/*; do [ -e "$f" ] && stat -f '%Lp %Su:%Sg %HT|%N' "$f"; done
echo '== argv'
if command -v wg >/dev/null && ifconfig @IFACE@ >/dev/null 2>&1; then
	{ wg show @IFACE@ private-key || echo; ps -axww -o pid= -o command=; } | awk 'NR == 1 { k = $1; next } length(k) == 44 && index($0, k) { print $1 }'
fi`)),
	parse: func(s sections) (Exposure, error) {
		var e Exposure
		if !s.has("files") || !s.has("argv") {
			return e, fmt.Errorf("the host did not list the files")
		}
		for _, line := range s.lines("files") {
			file, err := parseKeyFile(line)
			if err != nil {
				return Exposure{}, err
			}
			e.Files = append(e.Files, file)
		}
		for _, line := range s.lines("argv") {
			id := strings.TrimSuffix(strings.TrimPrefix(line, "/proc/"), "/cmdline")
			e.Processes = append(e.Processes, remote.Clean(id))
		}
		return e, nil
	}})

// parseKeyFile reads a line of stat: "600 root:root regular file|/etc/wireguard/wg0.conf", or "600 root:wheel Regular File|…".
func parseKeyFile(line string) (KeyFile, error) {
	left, name, ok := strings.Cut(line, "|")
	w := strings.Fields(left)
	if !ok || len(w) < 3 {
		return KeyFile{}, odd("stat", line)
	}
	mode, err := strconv.ParseUint(w[0], 8, 32)
	if err != nil {
		return KeyFile{}, odd("stat", line)
	}
	owner, _, _ := strings.Cut(w[1], ":")
	return KeyFile{remote.Clean(name).Line(120), mode, remote.Clean(owner).Line(40), strings.EqualFold(w[2], "directory")}, nil
}
