package seen

import (
	"strings"
)

// Size is how large a host is, in bytes; 0 is what could not be told.
type Size struct {
	Memory int64
	Swap   int64 // -1 where it was not told
	Disk   int64 // of /
	Free   int64 // on /
}

// Sizes reads how large a host is.
var Sizes = register(Fact[Size]{ID: "size", ask: either(
	`echo '== memory'; while read -r k n u; do case $k in MemTotal:) echo "$k $n $u" ;; SwapTotal:) echo "$k $n $u"; break ;; esac; done < /proc/meminfo
echo '== disk'; df -Pk /`, `echo '== bytes'; sysctl -n hw.physmem
echo '== swap'; swapinfo -k
echo '== disk'; df -Pk /`),
	parse: func(s sections) (v Size, err error) {
		v.Swap = -1
		for _, line := range s.lines("memory") {
			switch w := strings.Fields(line); {
			case len(w) != 3 || w[2] != "kB":
			case w[0] == "MemTotal:":
				v.Memory = kilobytes(w[1])
			case w[0] == "SwapTotal:":
				v.Swap = kilobytes(w[1])
			}
		}
		if n := number(s.one("bytes")); n <= 1<<60 && n > 0 {
			v.Memory = n
		}
		if s.has("swap") {
			v.Swap = swapped(s.lines("swap"))
		}
		if disk := s.lines("disk"); len(disk) >= 2 {
			if w := strings.Fields(disk[len(disk)-1]); len(w) >= 6 {
				v.Disk, v.Free = kilobytes(w[1]), kilobytes(w[3])
			}
		}
		return v, nil
	}})

// swapped is the size of all that swapinfo lists: a heading, a line for each device, and a total where there are several.
func swapped(lines []string) (all int64) {
	for _, line := range lines {
		if w := strings.Fields(line); len(w) >= 4 && strings.HasPrefix(w[0], "/") {
			all += kilobytes(w[1])
		}
	}
	return all
}

func kilobytes(s string) int64 {
	if n := number(s); n <= 1<<50 {
		return n << 10
	}
	return 0
}
