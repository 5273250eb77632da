"""A template means the same whoever reads it: the local CloudFormation, or moto in its place."""

import json
from pathlib import Path

import pytest

from local.emulator.cloudformation.stacks import PARSE
from local.emulator.cloudformation.templates import parse_template, read_template

ROOT = Path(__file__).parents[2]
FORMS = """
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Condition: Wanted
    Properties:
      TopicName: !Sub "${AWS::StackName}-topic"
      Tags: [{Key: a, Value: !Ref Name}, {Key: b, Value: !GetAtt Other.Arn}]
      FifoTopic: !And [!Condition Wanted, !Not [!Equals [!Ref Name, b]]]
      DisplayName: !If [Wanted, !Join ["-", [a, !FindInMap [Map, a, b]]], !Ref AWS::NoValue]
"""


@pytest.mark.parametrize("text", [(ROOT / "template.yaml").read_text(), FORMS, '{"a": [1, "b"]}'])
def test_it_is_read_as_moto_reads_it(text: str) -> None:
    by_moto = json.dumps(PARSE(text), default=str)
    # Moto writes !Condition as Fn::Condition, which there is not (CloudFormation's template
    # reference, "Fn::And").
    assert parse_template(text) == json.loads(by_moto.replace('"Fn::Condition"', '"Condition"'))


def test_as_json_it_is_the_same() -> None:
    read = read_template(ROOT / "template.yaml")
    assert parse_template(json.dumps(read)) == read
