package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// envelope is the part that every request has.
type envelope struct {
	ID json.Number `json:"id"`
	Op string      `json:"op"`
	// DatabaseURL overrides, for this request, the one given to connect.
	DatabaseURL string `json:"databaseUrl"`
}

// response answers one request: Result when OK, else Error.
type response struct {
	ID     json.Number `json:"id"`
	OK     bool        `json:"ok"`
	Result any         `json:"result,omitempty"`
	Error  string      `json:"error,omitempty"`
	// SQLState is set when the database refused.
	SQLState string `json:"sqlState,omitempty"`
}

// handler does one operation; line is the whole request.
type handler func(ctx context.Context, s *session, line []byte) (any, error)

// decoding makes a handler of a function that takes its request decoded. A
// field that the request type does not know is an error, so that a misspelt
// option cannot pass for an agreement.
func decoding[T any](do func(context.Context, *session, T) (any, error)) handler {
	return func(ctx context.Context, s *session, line []byte) (any, error) {
		var request T

		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&request); err != nil {
			return nil, fmt.Errorf("request: %w", err)
		}

		return do(ctx, s, request)
	}
}

// patience is how long requests under way may take once stdin has ended. One
// that waits for a lock held by this very program would never finish.
const patience = 3 * time.Second

// serve answers requests until in ends, then waits for those under way.
func serve(ctx context.Context, s *session, in io.Reader, out io.Writer) error {
	var (
		reader  = bufio.NewReader(in)
		encoder = json.NewEncoder(out)
		running sync.WaitGroup
		writing sync.Mutex
	)
	encoder.SetEscapeHTML(false)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer running.Wait()
	defer func() { time.AfterFunc(patience, cancel) }()

	for {
		line, err := reader.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			running.Go(func() {
				answered := answer(ctx, s, line)

				writing.Lock()
				defer writing.Unlock()
				// A parent that no longer reads is one that has ended: stdin says so too.
				_ = encoder.Encode(answered)
			})
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// answer runs one request and puts what came of it in a response.
func answer(ctx context.Context, s *session, line []byte) (answered response) {
	var request envelope
	if err := json.Unmarshal(line, &request); err != nil {
		return response{ID: "0", Error: "not a request: " + err.Error()}
	}

	answered.ID = request.ID
	if answered.ID == "" {
		answered.ID = "0"
	}
	defer func() {
		if cause := recover(); cause != nil {
			answered.OK, answered.Error = false, fmt.Sprint("panic: ", cause)
		}
	}()

	do, known := handlers[request.Op]
	if !known {
		answered.Error = fmt.Sprintf("unknown op %q", request.Op)
		return answered
	}

	result, err := do(ctx, s, line)
	if err != nil {
		answered.Error, answered.SQLState = describe(err)
		return answered
	}

	answered.OK, answered.Result = true, result
	return answered
}

// describe gives the text of an error and, if the database raised it, its SQLSTATE.
func describe(err error) (text, sqlState string) {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		sqlState = refused.Code
	}
	return err.Error(), sqlState
}
