package main

import (
	"context"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

type paramsRequest struct {
	envelope
	target
	Jobs []job `json:"jobs"`
}

// insertParams is what River would send for one job.
type insertParams struct {
	CreatedAt   *moment            `json:"createdAt"`
	EncodedArgs string             `json:"encodedArgs"`
	Kind        string             `json:"kind"`
	MaxAttempts int                `json:"maxAttempts"`
	Metadata    string             `json:"metadata"`
	Priority    int                `json:"priority"`
	Queue       string             `json:"queue"`
	ScheduledAt *moment            `json:"scheduledAt"`
	State       rivertype.JobState `json:"state"`
	Tags        []string           `json:"tags"`
	UniqueKey   *string            `json:"uniqueKey"`
	// UniqueStates are the bits as the column shows them, or null.
	UniqueStates *string `json:"uniqueStates"`
}

// paramsOrError is one or the other: a job that River refuses does not keep
// the others from being answered.
type paramsOrError struct {
	Params *insertParams `json:"params,omitempty"`
	Error  string        `json:"error,omitempty"`
}

type paramsResult struct {
	Results []paramsOrError `json:"results"`
}

// params tells what River would send for each job, without a database: checks,
// defaults, encoding and unique key come before the middleware that stops here.
func params(ctx context.Context, _ *session, request paramsRequest) (any, error) {
	config := &river.Config{Logger: quietly(), Schema: request.Schema}
	if request.Now != nil {
		config.Test.Time = fixedClock(*request.Now)
	}

	caught := &catcher{}
	config.Middleware = []rivertype.Middleware{caught}
	client, err := river.NewClient(riverpgxv5.New(nil), config)
	if err != nil {
		return nil, err
	}

	result := paramsResult{make([]paramsOrError, len(request.Jobs))}
	for i, job := range request.Jobs {
		result.Results[i] = catch(ctx, client, caught, job)
	}
	return result, nil
}

func catch(ctx context.Context, client *riverClient, caught *catcher, job job) paramsOrError {
	args, err := job.args()
	if err != nil {
		return paramsOrError{Error: err.Error()}
	}

	if _, err := client.InsertTx(ctx, nil, args, job.Opts.river()); err != nil {
		return paramsOrError{Error: err.Error()}
	}
	return paramsOrError{Params: insertParamsFrom(caught.last)}
}

// catcher is a middleware that keeps what was about to be inserted and
// inserts nothing.
type catcher struct {
	river.MiddlewareDefaults
	last *rivertype.JobInsertParams
}

func (c *catcher) InsertMany(
	_ context.Context,
	jobs []*rivertype.JobInsertParams,
	_ func(context.Context) ([]*rivertype.JobInsertResult, error),
) ([]*rivertype.JobInsertResult, error) {
	c.last = jobs[0]
	return []*rivertype.JobInsertResult{{Job: &rivertype.JobRow{}}}, nil
}

func insertParamsFrom(params *rivertype.JobInsertParams) *insertParams {
	made := &insertParams{
		CreatedAt:   momentOf(params.CreatedAt),
		EncodedArgs: string(params.EncodedArgs),
		Kind:        params.Kind,
		MaxAttempts: params.MaxAttempts,
		Metadata:    string(params.Metadata),
		Priority:    params.Priority,
		Queue:       params.Queue,
		ScheduledAt: momentOf(params.ScheduledAt),
		State:       params.State,
		Tags:        params.Tags,
		UniqueKey:   hexadecimal(params.UniqueKey),
	}
	if params.UniqueStates != 0 {
		bits := fmt.Sprintf("%08b", params.UniqueStates)
		made.UniqueStates = &bits
	}
	return made
}
