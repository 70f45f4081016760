"""`rollcall generate`: sends upstream events to a deployment."""

import asyncio
import logging
import random
import signal
from typing import Any

import typer

from rollcall_cluster.generator import options
from rollcall_cluster.generator.content_store import DEFAULT_URL, open_content_store
from rollcall_cluster.generator.errors import GeneratorError
from rollcall_cluster.generator.generate import OnProgress, generate
from rollcall_cluster.generator.plan import Plan
from rollcall_cluster.generator.profiles import PROFILES
from rollcall_cluster.generator.progress import shown_progress
from rollcall_cluster.generator.rendering import print_summary
from rollcall_cluster.generator.summary import Summary

FAILED = 1
INTERRUPTED = 130
"""Exit codes: nothing or not all could be sent; a signal ended it early, cleanly."""


def generate_command(
    profile: options.Profile = "clean",
    batches: options.Batches = None,
    slots: options.Slots = None,
    rate: options.Rate = None,
    skew: options.Skew = None,
    key: options.Key = None,
    seed: options.Seed = None,
    duplicates: options.Duplicates = None,
    excess: options.Excess = None,
    failures: options.Failures = None,
    early: options.Early = None,
    malformed: options.Malformed = None,
    content_store: options.ContentStoreUrl = DEFAULT_URL,
    bootstrap_servers: options.BootstrapServers = None,
    topic_prefix: options.TopicPrefix = "",
    as_json: options.AsJson = False,
) -> None:
    """Register batches and provision their contents, as the services upstream do.

    Reproducible from its seed. Ctrl-C ends it cleanly: what is on its way arrives and is counted.

    Examples:

    * rollcall generate --batches 100 --slots 30 --rate 500

    * rollcall generate --profile mixed --seed 7

    * rollcall generate --profile duplicate-storm --key none --json

    * rollcall generate --batches 2000 --slots 500 --content-store none
    """
    knobs = {
        "batches": batches,
        "slots": slots,
        "rate": rate,
        "skew": skew,
        "key": key,
        "duplicates": duplicates,
        "excess": excess,
        "failures": failures,
        "early": early,
        "malformed": malformed,
    }
    try:
        plan = planned(profile, seed, knobs)
        summary = _run(plan, _given(bootstrap_servers), topic_prefix, content_store)
    except GeneratorError as error:
        typer.echo(f"could not generate: {error}", err=True)
        raise typer.Exit(FAILED) from error
    print_summary(summary, as_json=as_json)
    raise typer.Exit(INTERRUPTED if summary.interrupted else 0)


def _given(bootstrap_servers: str | None) -> str:
    if bootstrap_servers is None:
        raise typer.BadParameter(
            'no Kafka to send to: start one with `rollcall up` and `eval "$(rollcall env)"`, or'
            " give --bootstrap-servers"
        )
    return bootstrap_servers


def planned(profile: str, seed: int | None, knobs: dict[str, Any]) -> Plan:
    """Make a plan of a profile and the knobs that were turned (those that are not None).

    Raises:
        typer.BadParameter: there is no such profile.
        ImpossiblePlanError: a knob is out of its range.
    """
    if profile not in PROFILES:
        raise typer.BadParameter(f"no profile {profile!r}; there are {', '.join(PROFILES)}")
    turned = {name: value for name, value in knobs.items() if value is not None}
    settings = PROFILES[profile] | turned
    if settings.get("rate") == 0:
        settings |= {"rate": None, "bursts": None}
    chosen = random.SystemRandom().randrange(2**32) if seed is None else seed
    return Plan(seed=chosen, **settings)


def _run(plan: Plan, servers: str, prefix: str, store_url: str) -> Summary:
    store = open_content_store(store_url)
    # What aiokafka logs while it retries ends as one error of ours, if it does not end well.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

    async def until_done_or_stopped(on_progress: OnProgress) -> Summary:
        stop = asyncio.Event()
        _stop_on_first_signal(stop)
        return await generate(
            plan,
            servers,
            topic_prefix=prefix,
            content_store=store,
            on_progress=on_progress,
            stop=stop,
        )

    with shown_progress(plan) as on_progress:
        return asyncio.run(until_done_or_stopped(on_progress))


def _stop_on_first_signal(stop: asyncio.Event) -> None:
    """Let Ctrl-C and SIGTERM end the run cleanly; the second one ends it at once."""
    loop = asyncio.get_running_loop()

    def first() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, first)
