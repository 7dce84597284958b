package firewall

import (
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// forwardingDiffers names the interfaces that carry what is forwarded and would not forward after a reboot as they do now.
func forwardingDiffers(s *site.Site, device string, settings seen.Settings) (wrong []string) {
	dropIns, ufw := inOrder(settings.Files)
	for _, key := range forwardKeys(s, false) {
		family := strings.Split(key, ".")[1]
		for link, appears := range map[string][]int{"all": {0}, device: {0, 1}, s.Tunnel.Interface: {2}} {
			name := "net." + family + ".conf." + link + ".forwarding"
			now, told := settings.Live[name]
			for _, stage := range appears {
				if boot := forwardsAtBoot([][]seen.Setting{dropIns, ufw}, family, link, stage); told && boot != now {
					wrong = append(wrong, fmt.Sprintf("%s is %s and will be %s after a reboot", name, now, remote.Clean(boot).Line(10)))
					break
				}
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

// forwardsAtBoot is what an interface's forwarding comes to at boot, when first the drop-ins are set and then ufw's file, and the
// interface appears before the stage of that number: it begins with the default, and udev sets its own lines of the drop-ins.
func forwardsAtBoot(stages [][]seen.Setting, family, link string, appears int) string {
	byDefault, own := "0", "0"
	for i := 0; i <= len(stages); i++ {
		if i == appears {
			own = byDefault
			for _, one := range stages[0] {
				if i > 0 && forwards(one.Key(), family) == link {
					own = one.Value
				}
			}
		}
		if i == len(stages) {
			break
		}
		for _, one := range stages[i] {
			switch of := forwards(one.Key(), family); {
			case of == "all" || of == "*":
				byDefault, own = one.Value, one.Value
			case of == "default":
				byDefault = one.Value
			case of == link && i >= appears:
				own = one.Value
			}
		}
	}
	return own
}

// forwards is the interface whose forwarding a setting is, "" for another setting.
func forwards(key, family string) string {
	if key == forward4 && family == "ipv4" {
		return "all"
	}
	if rest, ok := strings.CutPrefix(key, "net."+family+".conf."); ok {
		if link, ok := strings.CutSuffix(rest, ".forwarding"); ok {
			return link
		}
	}
	return ""
}

// inOrder are the settings that files make, in the order in which they are made: a folder that comes first hides files of the same
// name, the names are sorted, and of two lines of the same the later counts in its own place, unless it says nothing new. Apart
// stands what ufw sets.
func inOrder(files []seen.Setting) (dropIns, ufw []seen.Setting) {
	hides := map[string]string{}
	var all []seen.Setting
	for _, one := range files {
		switch name := path.Base(one.File); {
		case one.File == seen.SysctlConf: // Debian links to it from among the drop-ins, or leaves it out
		case one.File == seen.UfwSysctl:
			ufw = append(ufw, one)
		case hides[name] == "" || hides[name] == one.File:
			hides[name] = one.File
			all = append(all, one)
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return path.Base(all[i].File) < path.Base(all[j].File) })
	for _, one := range all {
		i := slices.IndexFunc(dropIns, func(was seen.Setting) bool { return was.Key() == one.Key() })
		if i >= 0 && dropIns[i].Value == one.Value {
			continue
		} else if i >= 0 {
			dropIns = slices.Delete(dropIns, i, i+1)
		}
		dropIns = append(dropIns, one)
	}
	return dropIns, ufw
}
