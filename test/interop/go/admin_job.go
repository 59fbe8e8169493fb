package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// jobRequest does something to one job.
type jobRequest struct {
	envelope
	target
	// Tx does it in the transaction that begin opened under this name.
	Tx string `json:"tx"`
	// Action is get, cancel, retry, delete or update.
	Action string `json:"action"`
	// JobID is in digits, since a number of JavaScript cannot hold them all.
	JobID string `json:"jobId"`
	// Output is what update sets, as JSON text; empty for none.
	Output string `json:"output"`
}

type jobResult struct {
	Job row `json:"job"`
}

type jobsResult struct {
	Jobs []row `json:"jobs"`
	// LastCursor is empty when there are no jobs, and for jobs that were deleted.
	LastCursor string `json:"lastCursor"`
}

// jobFilters are those that River's list and its deletion have in common. What
// is absent or null filters nothing.
type jobFilters struct {
	IDs        []int64              `json:"ids"`
	Kinds      []string             `json:"kinds"`
	Priorities []int16              `json:"priorities"`
	Queues     []string             `json:"queues"`
	States     []rivertype.JobState `json:"states"`
	First      int                  `json:"first"`
}

type jobListRequest struct {
	envelope
	target
	jobFilters
	TagsAll []string `json:"tagsAll"`
	TagsAny []string `json:"tagsAny"`
	// Metadata is JSON text.
	Metadata string `json:"metadata"`
	// OrderBy is River's own name of the field; not given, id.
	OrderBy    string `json:"orderBy"`
	Descending bool   `json:"descending"`
	After      string `json:"after"`
}

type jobDeleteManyRequest struct {
	envelope
	target
	jobFilters
	UnsafeAll bool `json:"unsafeAll"`
}

// administer does one thing to one job.
func administer(ctx context.Context, s *session, request jobRequest) (any, error) {
	to, err := s.inserter(ctx, request.envelope, request.target, request.Tx)
	if err != nil {
		return nil, err
	}
	id, err := strconv.ParseInt(request.JobID, 10, 64)
	if err != nil {
		return nil, err
	}

	job, err := to.administer(ctx, request, id)
	if err != nil {
		return nil, err
	}
	return jobResult{rowFrom(job)}, nil
}

func (i inserter) administer(ctx context.Context, request jobRequest, id int64) (*rivertype.JobRow, error) {
	switch request.Action {
	case "get":
		return either(ctx, i, id, i.client.JobGet, i.client.JobGetTx)
	case "cancel":
		return either(ctx, i, id, i.client.JobCancel, i.client.JobCancelTx)
	case "retry":
		return either(ctx, i, id, i.client.JobRetry, i.client.JobRetryTx)
	case "delete":
		return either(ctx, i, id, i.client.JobDelete, i.client.JobDeleteTx)
	case "update":
		params := &river.JobUpdateParams{}
		if request.Output != "" {
			params.Output = json.RawMessage(request.Output)
		}
		if i.tx != nil {
			return i.client.JobUpdateTx(ctx, i.tx, id, params)
		}
		return i.client.JobUpdate(ctx, id, params)
	}
	return nil, fmt.Errorf("unknown action %q", request.Action)
}

// either calls the twin for a transaction if there is one.
func either[K any, R any](
	ctx context.Context,
	to inserter,
	key K,
	alone func(context.Context, K) (R, error),
	within func(context.Context, pgx.Tx, K) (R, error),
) (R, error) {
	if to.tx != nil {
		return within(ctx, to.tx, key)
	}
	return alone(ctx, key)
}

func jobList(ctx context.Context, s *session, request jobListRequest) (any, error) {
	client, err := s.client(ctx, request.envelope, request.target)
	if err != nil {
		return nil, err
	}
	params, err := request.params()
	if err != nil {
		return nil, err
	}

	listed, err := client.JobList(ctx, params)
	if err != nil {
		return nil, err
	}
	result := jobsResult{Jobs: rowsFrom(listed.Jobs)}
	if listed.LastCursor != nil {
		text, err := listed.LastCursor.MarshalText()
		if err != nil {
			return nil, err
		}
		result.LastCursor = string(text)
	}
	return result, nil
}

func (r jobListRequest) params() (*river.JobListParams, error) {
	params := river.NewJobListParams().IDs(r.IDs...).Kinds(r.Kinds...).Priorities(r.Priorities...).
		Queues(r.Queues...).TagsAll(r.TagsAll...).TagsAny(r.TagsAny...)
	if len(r.States) > 0 {
		params = params.States(r.States...)
	}
	if r.Metadata != "" {
		params = params.Metadata(r.Metadata)
	}
	if r.First != 0 {
		params = params.First(r.First)
	}
	if r.OrderBy != "" || r.Descending {
		params = params.OrderBy(r.order())
	}
	if r.After != "" {
		var cursor river.JobListCursor
		if err := cursor.UnmarshalText([]byte(r.After)); err != nil {
			return nil, err
		}
		params = params.After(&cursor)
	}
	return params, nil
}

func (r jobListRequest) order() (river.JobListOrderByField, river.SortOrder) {
	field, order := river.JobListOrderByID, river.SortOrderAsc
	if r.OrderBy != "" {
		field = river.JobListOrderByField(r.OrderBy)
	}
	if r.Descending {
		order = river.SortOrderDesc
	}
	return field, order
}

func jobDeleteMany(ctx context.Context, s *session, request jobDeleteManyRequest) (any, error) {
	client, err := s.client(ctx, request.envelope, request.target)
	if err != nil {
		return nil, err
	}

	params := river.NewJobDeleteManyParams().IDs(request.IDs...).Kinds(request.Kinds...).
		Priorities(request.Priorities...).Queues(request.Queues...).States(request.States...)
	if request.First != 0 {
		params = params.First(request.First)
	}
	if request.UnsafeAll {
		params = params.UnsafeAll()
	}

	deleted, err := client.JobDeleteMany(ctx, params)
	if err != nil {
		return nil, err
	}
	return jobsResult{Jobs: rowsFrom(deleted.Jobs)}, nil
}

func rowsFrom(jobs []*rivertype.JobRow) []row {
	rows := make([]row, len(jobs))
	for i, job := range jobs {
		rows[i] = rowFrom(job)
	}
	return rows
}
