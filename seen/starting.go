package seen

import (
	"strings"

	"postern/remote"
)

// Starting reads which services a host's init is about to start, or to start anew: at a boot those that have not begun to listen yet.
// Those that end by themselves (oneshot) and the guard's own are none of them; without systemd there are none.
var Starting = register(Fact[[]string]{ID: "starting", ask: text(`command -v systemctl >/dev/null || none absent
u=$(systemctl list-jobs --no-legend --plain 2>/dev/null | while read -r n unit kind state; do
	case $unit/$kind in postern-*) ;; *.service/start | *.service/restart) echo "$unit" ;; esac
done)
echo '== units'; [ -z "$u" ] || systemctl show -p Id -p Type $u`), parse: func(s sections) (names []string, err error) {
	for _, block := range strings.Split(strings.Join(s["units"], "\n"), "\n\n") {
		name, kind := "", ""
		for _, line := range strings.Split(block, "\n") {
			switch key, value, _ := strings.Cut(strings.TrimSpace(line), "="); key {
			case "Id":
				name = remote.Clean(value).Line(80)
			case "Type":
				kind = value
			}
		}
		if name != "" && kind != "oneshot" {
			names = append(names, name)
		}
	}
	return names, nil
}})
