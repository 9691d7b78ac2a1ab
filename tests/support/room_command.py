"""The command of a worker whose room end is the simulator's."""

from tincall.wechat.room_plan import RoomPlan


def room_worker(url, console):
    """Give program and arguments of a worker for the platform at that URL."""
    return RoomPlan(command="simulator", appid=console.appid, model_id=console.model_id, url=url).worker_command()
