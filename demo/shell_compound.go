package demo

import "mvdan.cc/sh/v3/syntax"

func (s *shell) cmd(cm syntax.Command) {
	place := s.place
	s.place = false
	switch cm := cm.(type) {
	case *syntax.CallExpr:
		s.simple(cm, place)
	case *syntax.Block:
		s.stmts(cm.Stmts)
	case *syntax.Subshell:
		s.status = s.inside(cm.Stmts, nil)
	case *syntax.BinaryCmd:
		s.binary(cm)
	case *syntax.IfClause:
		s.ifClause(cm)
	case *syntax.WhileClause:
		s.while(cm)
	case *syntax.ForClause:
		s.each(cm)
	case *syntax.CaseClause:
		s.choose(cm)
	case *syntax.FuncDecl:
		s.funcs[cm.Name.Value] = cm.Body
		s.status = 0
	case *syntax.DeclClause:
		s.declare(cm)
	default:
		s.complain("%s: %T is not POSIX", s.name, cm)
		s.status, s.flow = 2, exiting
	}
}

func (s *shell) binary(cm *syntax.BinaryCmd) {
	if cm.Op == syntax.Pipe {
		s.pipeline(cm)
		return
	}
	s.quiet++
	s.stmt(cm.X)
	s.quiet--
	if !s.stopped() && (s.status == 0) == (cm.Op == syntax.AndStmt) {
		s.stmt(cm.Y)
	}
}

// condition runs commands whose failure is an answer.
func (s *shell) condition(stmts []*syntax.Stmt) bool {
	s.quiet++
	s.stmts(stmts)
	s.quiet--
	return s.status == 0
}

func (s *shell) ifClause(cm *syntax.IfClause) {
	for cm != nil {
		if len(cm.Cond) == 0 || s.condition(cm.Cond) {
			if !s.stopped() {
				s.stmts(cm.Then)
			}
			return
		}
		if s.stopped() {
			return
		}
		cm = cm.Else
	}
	s.status = 0
}

// body runs a loop's commands; false ends the loop.
func (s *shell) body(stmts []*syntax.Stmt) bool {
	s.stmts(stmts)
	switch s.flow {
	case breaking, continuing:
		if s.levels--; s.levels > 0 {
			return false // an outer loop is meant
		}
		again := s.flow == continuing
		s.flow = onward
		return again
	}
	return !s.stopped()
}

func (s *shell) while(cm *syntax.WhileClause) {
	s.loops++
	defer func() { s.loops-- }()
	status := 0
	for s.condition(cm.Cond) != cm.Until && !s.stopped() {
		again := s.body(cm.Do)
		status = s.status
		if !again {
			break
		}
	}
	if s.flow == onward {
		s.status = status
	}
}

func (s *shell) each(cm *syntax.ForClause) {
	words, ok := cm.Loop.(*syntax.WordIter)
	if !ok {
		s.status, s.flow = 2, exiting
		return
	}
	items := s.params
	if words.InPos.IsValid() {
		var err error
		if items, err = s.fields(words.Items...); err != nil {
			return
		}
	}
	s.loops++
	defer func() { s.loops-- }()
	s.status = 0
	for _, item := range items {
		s.set(words.Name.Value, item)
		if !s.body(cm.Do) {
			break
		}
	}
}

func (s *shell) choose(cm *syntax.CaseClause) {
	text, err := s.literal(cm.Word)
	if err != nil {
		return
	}
	s.status = 0
	for _, item := range cm.Items {
		for _, p := range item.Patterns {
			pat, err := s.pattern(p)
			if err != nil {
				return
			}
			if match(pat, text) {
				s.stmts(item.Stmts)
				return
			}
		}
	}
}

// declare is export, readonly and local.
func (s *shell) declare(cm *syntax.DeclClause) {
	s.status = 0
	for _, as := range cm.Args {
		if as.Name == nil { // a word that is expanded, such as "$x"
			words, err := s.fields(as.Value)
			if err != nil {
				return
			}
			for _, w := range words {
				s.declareOne(cm.Variant.Value, w)
			}
			continue
		}
		word := as.Name.Value
		if as.Value != nil || !as.Naked {
			value, err := s.literal(as.Value)
			if err != nil {
				return
			}
			word += "=" + value
		}
		s.declareOne(cm.Variant.Value, word)
	}
}
