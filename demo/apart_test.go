package demo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"runtime"
	"strings"
	"testing"
)

// TestApart proves by the sources that nothing outside the program is touched: no package that reaches outside is
// imported, and of those that can, only what does not.
func TestApart(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	never := []string{"os/exec", "os/user", "os/signal", "io/ioutil", "plugin", "net/http", "mvdan.cc/sh/v3/interp", "postern/"}
	only := map[string][]string{
		"os":      {"ErrDeadlineExceeded", "NewSyscallError"},
		"net":     {"Conn", "Addr", "Listener", "OpError", "DNSError", "ErrClosed", "JoinHostPort", "SplitHostPort", "TCPAddr", "TCPAddrFromAddrPort", "UDPAddr", "UDPAddrFromAddrPort", "UnknownNetworkError", "AddrError", "ParseIP", "IP"},
		"syscall": nil, // constants: what starts with E or S and has no small letters
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range tree.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			for _, bad := range never {
				if path == bad || strings.HasSuffix(bad, "/") && strings.HasPrefix(path, bad) && path != "postern/remote" {
					t.Errorf("%s imports %s", f.Name(), path)
				}
			}
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok || x.Obj != nil {
				return true
			}
			may, known := only[x.Name]
			if !known {
				return true
			}
			name := sel.Sel.Name
			if x.Name == "syscall" {
				if name != strings.ToUpper(name) && name != "Signal" && name != "Errno" {
					t.Errorf("%s uses syscall.%s", f.Name(), name)
				}
				return true
			}
			for _, m := range may {
				if m == name {
					return true
				}
			}
			t.Errorf("%s uses %s.%s", f.Name(), x.Name, name)
			return true
		})
	}
}

// TestCloseEndsEverything counts what is left of a world in the middle of its work.
func TestCloseEndsEverything(t *testing.T) {
	w, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := connect(t, w.Proxy)
	shOut(w.Proxy, "sleep 1000 & systemd-run --on-active=100 --unit=x sleep 5; systemd-run --unit=y sleep 1000; cat /dev/zero | sleep 1000 &")
	go s.Sh(soon(t), "sleep 1000")
	w.Close()
	s.Close()
	var stacks string
	for range 200 {
		b := make([]byte, 1<<20)
		stacks = string(b[:runtime.Stack(b, true)])
		if !strings.Contains(stacks, "demo.(*World).spawn") && !strings.Contains(stacks, "demo.(*process)") {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("still there:\n%s", stacks)
}
