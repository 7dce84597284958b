//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func mirrorPath(suite string) string {
	return cached("mirror", suite, mirrorPackages(suite), mirrorAlso, basePackages, "1")
}

// makeMirror fills a directory with packages, their index, and the signed
// release file that apt on the hosts verifies.
func makeMirror(ctx context.Context, suite, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root := dir + "/root"
	var hook strings.Builder
	hook.WriteString("set -e\n")
	for _, together := range []string{mirrorPackages(suite), mirrorAlso} {
		fmt.Fprintf(&hook, "chroot \"$1\" apt-get -q -y --no-install-recommends --download-only install %s\n", together)
	}
	fmt.Fprintf(&hook, "mv \"$1\"/var/cache/apt/archives/*.deb %q\n", dir)
	if err := bootstrap(ctx, suite, root, "minbase", basePackages, hook.String()); err != nil {
		return err
	}
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "sh", "-ec", `
apt-ftparchive packages . > Packages
gzip -k Packages
apt-ftparchive -o APT::FTPArchive::Release::Origin=lab -o APT::FTPArchive::Release::Codename="$1" release . > ../"$1".release
mv ../"$1".release Release
gpg --homedir "$2" --batch --yes --clearsign -o InRelease Release
gpgconf --homedir "$2" --kill all
`, "sh", suite, keyDir())
	cmd.Dir = dir
	_, err := runCmd(cmd)
	return err
}

// keyDir holds the key that signs the mirror, and lab.gpg, its public half.
func keyDir() string { return filepath.Join(cacheDir(), "key") }

func makeKey(ctx context.Context) error {
	if exists(filepath.Join(keyDir(), "lab.gpg")) {
		return nil
	}
	if err := os.MkdirAll(keyDir(), 0o700); err != nil {
		return err
	}
	_, err := run(ctx, "sh", "-ec", `
gpg --homedir "$1" --batch --passphrase '' --quick-generate-key 'postern lab' ed25519 sign never
gpg --homedir "$1" --batch --yes --export -o "$1/lab.gpg.new"
gpgconf --homedir "$1" --kill all
mv "$1/lab.gpg.new" "$1/lab.gpg"
`, "sh", keyDir())
	return err
}

// startMirror serves the packages from inet until the lab ends.
func (l *Lab) startMirror() error {
	_, err := l.background("mirror", "mirror", l.dir("mirror.log"), l.Name, l.Suite, mirrorPath(l.Suite), "npm", npmPath(), "files", l.dir("files"))
	return err
}

// childMirror serves one suite's packages under its name, those of npm, and what tests put into the lab's folder "files".
func childMirror(args []string) error {
	l := &Lab{Options{Name: args[0]}}
	ln, err := l.Listen(context.Background(), "inet", "tcp", net.JoinHostPort(mirrorAddr, "80"))
	if err != nil {
		return err
	}
	// No ServeMux: it answers apt's "/./" with a redirect that quotes twice.
	served := map[string]http.Handler{}
	for pair := range slices.Chunk(args[1:], 2) {
		served[pair[0]] = http.StripPrefix("/"+pair[0], http.FileServer(http.Dir(pair[1])))
	}
	server := http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); served[first] != nil {
			served[first].ServeHTTP(w, r)
		} else {
			http.NotFound(w, r)
		}
	})}
	return server.Serve(ln)
}
