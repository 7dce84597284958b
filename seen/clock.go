package seen

import (
	"fmt"
	"time"

	"postern/remote"
)

// Time is what a host's clock says.
type Time struct {
	Now    time.Time
	Synced bool // its time service has set it
}

// Clock reads a host's clock.
var Clock = register(Fact[Time]{ID: "clock", ask: text(`echo '== now'; date +%s
echo '== synced'; if [ -e /run/systemd/timesync/synchronized ]; then echo yes; fi`),
	parse: func(s sections) (Time, error) {
		n := number(s.one("now"))
		if n == 0 || n > 1<<40 {
			return Time{}, fmt.Errorf("the host's clock said %q", remote.Clean(s.one("now")).Line(40))
		}
		return Time{time.Unix(n, 0).UTC(), s.one("synced") == "yes"}, nil
	}})
