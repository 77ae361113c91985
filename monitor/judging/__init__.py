"""One moment's windows judged: the whole, its segments, how rows came, which version they were served by."""
