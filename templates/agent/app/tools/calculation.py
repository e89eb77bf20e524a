"""`calculate`: exact decimal arithmetic on an allow-list of syntax; nothing in it can run code."""

import ast
import decimal
import statistics
from collections.abc import Callable, Sequence
from decimal import Decimal

from pydantic import BaseModel, Field

from app.tools.ports import Outcome, Permission, Tool, ToolContext, ToolFailed

MAX_NODES = 300  # of the syntax tree, which also bounds its depth
MAX_EXPONENT = 1000
DIGITS = 28
SHOWN_DIGITS = 15
# Beyond 1e99 every operation fails at once, so no expression can take long or fill the memory.
ARITHMETIC = decimal.Context(
    prec=DIGITS,
    rounding=decimal.ROUND_HALF_UP,
    Emax=99,
    Emin=-99,
    traps=[decimal.Overflow, decimal.DivisionByZero, decimal.InvalidOperation],
)

OPERATORS: dict[type[ast.AST], Callable[..., Decimal]] = {
    ast.Add: ARITHMETIC.add,
    ast.Sub: ARITHMETIC.subtract,
    ast.Mult: ARITHMETIC.multiply,
    ast.Div: ARITHMETIC.divide,
    ast.FloorDiv: ARITHMETIC.divide_int,
    ast.Mod: ARITHMETIC.remainder,
    ast.USub: ARITHMETIC.minus,
    ast.UAdd: ARITHMETIC.plus,
}


class Expression(BaseModel, extra="forbid"):
    """What to calculate."""

    expression: str = Field(
        description="numbers with + - * / // % ** and ( ), and abs, min, max, sum, mean, median, round, sqrt; "
        "a list is [1, 2, 3]",
        min_length=1,
        max_length=2000,
    )


def calculator() -> Tool:
    """The tool."""
    return Tool(
        "calculate", "Calculate an arithmetic expression exactly.", Permission.READ, Expression, _work, seconds=2
    )


async def _work(arguments: Expression, context: ToolContext) -> Outcome:
    return Outcome(calculate(arguments.expression))


def calculate(expression: str) -> str:
    """The value of `expression` with at most 15 digits.

    Raises:
        ToolFailed: it holds something that is not allowed, or its value is too large or not defined.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval")
        if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
            raise ToolFailed(f"The expression has more than {MAX_NODES} parts.", "Calculate it in pieces.")
        with decimal.localcontext(ARITHMETIC):
            value = _number(tree.body)
            if not value.is_finite():
                raise decimal.InvalidOperation  # such as 0 ** -1, which signals nothing by itself
            return f"{(+value).normalize(decimal.Context(prec=SHOWN_DIGITS)):f}"
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ToolFailed(f"{expression[:100]!r} is no arithmetic.", "Use numbers and + - * / ( ).") from None
    except decimal.DecimalException as error:
        reason = (
            "division by zero" if isinstance(error, ZeroDivisionError) else "a result that is too large or undefined"
        )
        raise ToolFailed(f"The calculation has {reason}.") from None


def _number(node: ast.expr) -> Decimal:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return ARITHMETIC.create_decimal(repr(value) if isinstance(value, float) else value)
        case ast.BinOp(op=ast.Pow()):
            return _power(_number(node.left), _number(node.right))
        case ast.BinOp() if type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](_number(node.left), _number(node.right))
        case ast.UnaryOp() if type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](_number(node.operand))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            return _function(name, args)
    raise ToolFailed(f"{ast.unparse(node)[:100]!r} is not allowed.", "Use numbers, + - * / // % ** and the functions.")


def _power(base: Decimal, exponent: Decimal) -> Decimal:
    if abs(exponent) > MAX_EXPONENT:
        raise ToolFailed(f"Exponents go up to {MAX_EXPONENT}.")
    return ARITHMETIC.power(base, exponent)


def _function(name: str, arguments: Sequence[ast.expr]) -> Decimal:
    lists = [argument for argument in arguments if isinstance(argument, ast.List | ast.Tuple)]
    values = [_number(item) for item in (lists[0].elts if len(lists) == len(arguments) == 1 else arguments)]
    match name, values:
        case "round", [value, *digits] if len(digits) < 2:
            return ARITHMETIC.quantize(value, Decimal(1).scaleb(-int(digits[0]) if digits else 0))
        case "sqrt", [value]:
            return ARITHMETIC.sqrt(value)
        case "abs", [value]:
            return ARITHMETIC.abs(value)
        case "min" | "max" | "sum" | "mean" | "median", [_, *_]:
            several: dict[str, Callable[[list[Decimal]], Decimal]] = {
                "min": min,
                "max": max,
                "sum": lambda numbers: sum(numbers, Decimal(0)),
                "mean": statistics.mean,
                "median": statistics.median,
            }
            return several[name](values)
    raise ToolFailed(f"There is no function {name[:40]!r} for {len(values)} numbers.")
