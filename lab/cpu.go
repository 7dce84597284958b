//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// limitCPU gives all processes of a control group together that part of one processor, in percent; 0 is all there is.
func limitCPU(name string, percent int) error {
	all, err := hierarchies()
	for _, h := range all {
		for _, above := range []string{"", filepath.Dir(name)} { // in a tree of today each group says what may be limited below it
			_ = os.WriteFile(filepath.Join(h.path, above, "cgroup.subtree_control"), []byte("+cpu"), 0)
		}
		file, limit, none := "cpu.max", fmt.Sprintf("%d 100000", percent*1000), "max"
		if !exists(filepath.Join(h.path, name, file)) {
			file, limit, none = "cpu.cfs_quota_us", fmt.Sprint(percent*1000), "-1"
		}
		if percent == 0 {
			limit = none
		}
		if err := os.WriteFile(filepath.Join(h.path, name, file), []byte(limit), 0); err == nil {
			return nil
		}
	}
	return errors.Join(err, errors.New("no control group of this machine limits the use of processors"))
}

// cpuOf is how much of a processor a control group has used so far.
func cpuOf(name string) (time.Duration, error) {
	all, err := hierarchies()
	for _, h := range all {
		if text, err := os.ReadFile(filepath.Join(h.path, name, "cpuacct.usage")); err == nil {
			n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
			return time.Duration(n), err
		}
		text, _ := os.ReadFile(filepath.Join(h.path, name, "cpu.stat"))
		if _, rest, ok := strings.Cut("\n"+string(text), "\nusage_usec "); ok {
			n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return time.Duration(n) * time.Microsecond, err
		}
	}
	return 0, errors.Join(err, errors.New("no control group of this machine counts the use of processors"))
}
