"""The master key's generations: a new one, and the end of an old one."""

import click

from api.terminal import as_json, echo, found_wrong, print_json, progress, settings
from infrastructure import boot, bootstrap
from infrastructure.database import migrate
from infrastructure.processes import only_one
from infrastructure.rotation import RotationFault, connect
from infrastructure.rotation import retire as retire_generation
from infrastructure.rotation import rotate as add_generation


@click.group("keys")
def keys() -> None:
    """The master key: a new generation, and the end of an old one. The service must be down.

    Example: matricule keys rotate
    """


@keys.command()
@as_json
def rotate(json_wanted: bool) -> None:
    """Add a generation to the master key and turn everything over to it; or finish what was interrupted.

    Keep a copy of the key file afterwards. Backups from before still need the old generation.

    Example: matricule keys rotate
    """
    wanted = settings()
    with only_one(wanted.home), bootstrap.database(wanted) as conninfo:
        migrate(conninfo)
        boot.prepare(conninfo)
        with connect(conninfo) as connection, progress() as bar:
            task = bar.add_task("turning over", total=None)
            try:
                done = add_generation(
                    connection,
                    wanted.master_key_file,
                    lambda done, total: bar.update(task, completed=done, total=total),
                )
            except RotationFault as fault:
                raise found_wrong(str(fault)) from None
    if json_wanted:
        print_json(vars(done))
        return
    echo.print(f"Generation {done.generation}: {done.data_keys:,} data keys, {done.lookups:,} lookups.")
    echo.print(f"Copy {wanted.master_key_file} now, to where its copies are kept.", soft_wrap=True)


@keys.command()
@click.argument("generation", type=click.IntRange(1, 255))
@click.option(
    "--let-die", is_flag=True, help="Passwords and recovery codes that nobody used since the rotation."
)
@as_json
def retire(generation: int, let_die: bool, json_wanted: bool) -> None:
    """Take GENERATION out of the key file. Backups of its time can be read by nobody from then on.

    Remove it from every copy of the file, too.

    Example: matricule keys retire 1
    """
    wanted = settings()
    with (
        only_one(wanted.home),
        bootstrap.database(wanted) as conninfo,
        connect(conninfo) as connection,
    ):
        try:
            died = retire_generation(connection, wanted.master_key_file, generation, let_die=let_die)
        except RotationFault as fault:
            raise found_wrong(str(fault)) from None
    if json_wanted:
        print_json({"retired": generation, "died": died})
    else:
        echo.print(f"Generation {generation} is out of {wanted.master_key_file}.", soft_wrap=True)
        echo.print("Remove it from every copy of that file, too.")
