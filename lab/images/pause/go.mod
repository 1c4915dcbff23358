module github.com/llm-d-sim/llm-d-sim/lab/images/pause

go 1.26
