"""JSONata and variables on the embedded Step Functions."""

import pytest

JSONATA = {"QueryLanguage": "JSONata"}


def test_an_expression_reads_the_input_the_context_and_variables(cloud, machine):
    states = {
        "Keep": {"Type": "Pass", "Assign": {"said": "{% $states.input.word %}", "list": [1, 2]},
                 "Next": "Use"},
        "Use": {
            "Type": "Pass",
            "Output": {
                "word": "{% $said & '!' %}",
                "sum": "{% $sum($list) %}",
                "first": "{% $list[0] %}",
                "more": "{% 5 in $list ? 'yes' : 'no' %}",
                "name": "{% $states.context.Execution.Name %}",
            },
        },
    }  # fmt: skip
    run = cloud.run(machine(states, **JSONATA), {"word": 'a "quoted" one\nof two lines'})
    assert run.status == "SUCCEEDED", run.cause
    assert run.output == {
        "word": 'a "quoted" one\nof two lines!',
        "sum": 3,
        "first": 1,
        "more": "no",
        "name": "run",
    }


def test_a_variable_is_read_by_a_path_too(cloud, machine):
    states = {
        "Keep": {"Type": "Pass", "Assign": {"it.$": "$.inner"}, "Next": "Use"},
        "Use": {"Type": "Pass", "Parameters": {"name.$": "$it.name", "all.$": "$it"}},
    }
    run = cloud.run(machine(states), {"inner": {"name": 'x"y'}})
    assert run.status == "SUCCEEDED", run.cause
    assert run.output == {"name": 'x"y', "all": {"name": 'x"y'}}


def test_a_condition_chooses(cloud, machine):
    states = {
        "Ask": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.n > 3 %}", "Next": "Many"}],
            "Default": "Few",
        },
        "Many": {"Type": "Pass", "Output": "many", "End": True},
        "Few": {"Type": "Pass", "Output": "few", "End": True},
    }
    arn = machine(states, **JSONATA)
    assert cloud.run(arn, {"n": 4}, "four").output == "many"
    assert cloud.run(arn, {"n": 3}, "three").output == "few"


def test_a_task_takes_arguments_and_gives_an_output(cloud, machine, task):
    state = task(
        "EchoFunction",
        Arguments={"said": "{% $states.input.word %}"},
        Output="{% $states.result %}",
    )
    run = cloud.run(machine({"Echo": state}, **JSONATA), {"word": "hello"})
    assert run.status == "SUCCEEDED", run.cause
    assert run.output["event"] == {"said": "hello"}


@pytest.mark.parametrize(
    "expression", ["{% $nothing() %}", "{% 'a' + 1 %}", "{% $states.input.no %}"]
)
def test_an_expression_that_fails_can_be_caught_by_its_name(cloud, machine, task, expression):
    catch = [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "Caught"}]
    states = {
        "Ask": task("EchoFunction", Arguments={"x": expression}, Catch=catch),
        "Caught": {"Type": "Pass", "Output": "caught", "End": True},
    }
    run = cloud.run(machine(states, **JSONATA), {})
    assert (run.status, run.output) == ("SUCCEEDED", "caught"), run.cause


@pytest.mark.parametrize("expression", ["{% $nothing() %}", "{% $states.input.no %}"])
def test_an_expression_that_fails_in_a_pass_fails_the_execution(cloud, machine, expression):
    run = cloud.run(machine({"Pass": {"Type": "Pass", "Output": expression}}, **JSONATA), {})
    assert (run.status, run.error) == ("FAILED", "States.QueryEvaluationError")
