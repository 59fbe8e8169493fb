// River's Go client in a process of its own: reads requests from its input,
// one line of JSON each, and answers each with a line. child.mjs speaks the
// same.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
)

// request says what to call, and for how long.
type request struct {
	Op string `json:"op"`
	limits
	// Schema has River's tables; not given, it is public.
	Schema string `json:"schema"`
	// Batch is the number of jobs in a call, for calls that take many.
	Batch int `json:"batch"`
	// Keys is how many keys the jobs share; not given, each has its own.
	Keys int `json:"keys"`
}

type hello struct {
	Runtime    string   `json:"runtime"`
	Operations []string `json:"operations"`
}

type failure struct {
	Error string `json:"error"`
}

func main() {
	tuned := len(os.Args) > 2 && os.Args[2] == "tuned"
	if err := serve(context.Background(), os.Args[1], tuned, os.Stdin, json.NewEncoder(os.Stdout)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, url string, tuned bool, in io.Reader, out *json.Encoder) error {
	subject, err := open(ctx, url)
	if err != nil {
		return err
	}
	defer subject.pool.Close()
	subject.tuned = tuned

	operations := []string{
		"insert", "insertUnique", "insertMany", "insertBulk", "transaction",
		"fill", "drain", "drainTransactional", "insertToStart",
	}
	if err := out.Encode(hello{"Go " + runtime.Version()[len("go"):], operations}); err != nil {
		return err
	}

	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var asked request
		err := json.Unmarshal(lines.Bytes(), &asked)
		var answer any
		if err == nil {
			answer, err = subject.answer(ctx, asked)
		}
		if err != nil {
			answer = failure{err.Error()}
		}
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (s *subject) answer(ctx context.Context, asked request) (any, error) {
	if asked.Op == "settle" {
		// Collects garbage, and gives back what is free.
		debug.FreeOSMemory()
		return struct{}{}, nil
	}

	switch asked.Op {
	case "fill":
		return struct{}{}, s.fill(ctx, asked.Batch)
	case "drain", "drainTransactional":
		return s.drain(ctx, asked, asked.Op == "drainTransactional")
	case "insertToStart":
		return s.insertToStart(ctx, asked)
	}

	call, err := s.call(ctx, asked)
	if err != nil {
		return nil, err
	}

	figures, err := measure(call, asked.limits)
	figures.Jobs = len(figures.Latencies) * max(asked.Batch, 1)
	return figures, err
}
