package wizard

import (
	"context"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"
)

// Run shows the wizard until it is left. The summary in Ending is for the scrollback. An error means that the screen could
// not be used at all.
func Run(ctx context.Context, o Options) (Ending, error) {
	life, end := context.WithCancel(ctx)
	defer end()
	var program *tea.Program
	e := newEngine(o, func(m tea.Msg) { program.Send(m) })
	w := newShell(o, e)
	program = tea.NewProgram(w, w.programOptions(ctx)...)
	stopped := make(chan struct{})
	go func() { e.run(life); close(stopped) }()
	_, err := program.Run()
	if err != nil && ctx.Err() == nil {
		return Ending{}, fmt.Errorf("the screen: %w", err)
	}
	end()
	if !w.touching() { // else the hosts are left to take back what is open
		<-stopped
	}
	return w.farewell(), nil
}

func (w *shell) programOptions(ctx context.Context) []tea.ProgramOption {
	environ := slices.Clone(w.o.Environ)
	if !w.theme.Colour {
		environ = append(environ, "NO_COLOR=1") // the library takes only what it can read as true
	}
	list := []tea.ProgramOption{tea.WithContext(ctx), tea.WithEnvironment(environ), tea.WithFPS(20), tea.WithoutSignalHandler(),
		tea.WithInput(w.o.In), tea.WithOutput(w.o.Out)}
	if w.o.Width > 0 && w.o.Height > 0 {
		list = append(list, tea.WithWindowSize(w.o.Width, w.o.Height))
	}
	return list
}
